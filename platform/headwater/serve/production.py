"""What `production` holds, ready to answer: a new release is loaded beside the old one, then replaces it.

With a canary it is tried first: it answers a share of the visitors, and replaces the old one when it is not
worse.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from safetensors import SafetensorError

from headwater.lake.erased import erasures_at
from headwater.lake.errors import LakeError
from headwater.lake.protocol import Lake
from headwater.release import current_release, releases
from headwater.serve.canary import Canary, CanarySettings
from headwater.serve.canary_verdict import Seen, Verdict
from headwater.serve.decoding import Sampling, pieces
from headwater.serve.released import NotReleased, Released, open_release
from headwater.settings import MAIN
from headwater.train.completion import encode_prompt

log = logging.getLogger("headwater")

WARM_UP = "What can be done?"
CANNOT_BE_SERVED = (
    LakeError,
    OSError,
    ValueError,
    TypeError,
    LookupError,
    RuntimeError,
    ImportError,
    MemoryError,
    SafetensorError,
)
"""What a release raises when it is opened, and production when it is moved back: files that are missing, cut
short or of another shape, faiss and torch (`RuntimeError`), an extra that is not installed, too little
memory."""


@dataclass(frozen=True)
class Serving:
    """The releases that answer at one moment."""

    stable: Released
    canary: Canary | None = None

    def loaded(self) -> list[Released]:
        """The stable one, and the one on trial."""
        return [self.stable, *([self.canary.released] if self.canary is not None else [])]

    def for_visitor(self, visitor: str) -> Released:
        """Which of them answers a visitor."""
        canary = self.canary
        return canary.released if canary is not None and canary.takes(visitor) else self.stable


class Production:
    """The release of one product that requests are answered from.

    `serving` is one reference: a request takes its release from it once and keeps it, so that it ends on the
    version it began with. The old release is let go when its last request has ended.

    `undo(verdict)` is called, in the watching thread, for a trial that failed; it moves production back and
    returns whether it did.
    """

    def __init__(
        self,
        lake: Lake,
        product: str,
        *,
        canary: CanarySettings | None = None,
        undo: Callable[[Verdict], bool] | None = None,
        on_change: Callable[[Serving], None] | None = None,
        on_verdict: Callable[[str], None] | None = None,
        on_failure: Callable[[], None] | None = None,
        on_look: Callable[[], None] | None = None,
    ) -> None:
        self.product = product
        self.serving: Serving | None = None
        self._lake = lake
        self._trials = canary or CanarySettings()
        self._undo = undo
        self._on_change = on_change
        self._on_verdict = on_verdict
        self._on_failure = on_failure
        self._on_look = on_look
        self._lock = threading.Lock()
        self._failed = ""
        self._refused = ""
        self._closed = False
        self._look = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def current(self) -> Released | None:
        """The release that answers whoever does not take part in a trial; None before there is one."""
        return self.serving.stable if self.serving is not None else None

    def refresh(self) -> bool:
        """Load what production holds, if that is another release; returns whether what is served changed.

        Raises `NotReleased`, and what loading raises; the release that stands goes on answering.
        """
        with self._lock:
            name, serving = self._wanted(), self.serving
            if name != self._refused:
                self._refused = ""
            if serving is not None and name == serving.stable.release:
                if serving.canary is None:
                    return False
                self._tell("withdrawn", f"{serving.canary.released.release} is no longer in production")
                self._serve(Serving(serving.stable))
                return True
            loaded = serving.loaded() if serving is not None else []
            if name == self._refused or any(released.release == name for released in loaded):
                return False
            fresh = open_release(self._lake, self.product)
            if serving is not None:
                fresh.share(serving.stable)
            warm(fresh)
            if serving is not None and self._tries(serving.stable, fresh):
                canary = Canary(fresh, serving.stable.release, self._trials)
                self._serve(Serving(serving.stable, canary))
            else:
                self._serve(Serving(fresh))
        return True

    def answered(self, release: str, response_id: str, seen: Seen) -> None:
        """A request of a visitor has ended. Returns at once; a trial that is due is judged by the watcher."""
        canary = self.serving.canary if self.serving is not None else None
        if canary is not None:
            canary.answered(release, response_id, seen)
            if canary.due:
                self._look.set()

    def voted(self, response_id: str, vote: int) -> None:
        """Somebody judged a response."""
        canary = self.serving.canary if self.serving is not None else None
        if canary is not None:
            canary.voted(response_id, vote)

    def settle(self) -> None:
        """Judge the trial if it is due: the new release takes over, or the old one stays alone."""
        with self._lock:
            serving = self.serving
            if serving is None or serving.canary is None or not serving.canary.due:
                return
            fresh, verdict = serving.canary.released, serving.canary.verdict()
            if not verdict.worse:
                self._tell("promoted", f"{fresh.release} is not worse than {verdict.against}: {verdict}")
                self._serve(Serving(fresh))
                return
            self._refused = fresh.release
            self._serve(Serving(serving.stable))
        why = f"{fresh.release} is worse than {verdict.against} ({', '.join(verdict.worse)}): {verdict}"
        if self._undo is not None and self._undo(verdict):
            self._tell("rolled_back", f"{why}; production was moved back")
        else:
            self._tell("refused", f"{why}; {verdict.against} goes on answering")

    def watch(self, seconds: float) -> None:
        """Refresh now and then every so many seconds, in a thread, until `close`.

        A release that cannot be served is logged and counted. Any other error is a fault of this program: it
        ends the thread, and `watching` says so.
        """
        self._thread = threading.Thread(target=self._watch, args=(seconds,), name="production", daemon=True)
        self._thread.start()

    @property
    def watching(self) -> bool:
        """Whether new releases are looked for: not before `watch`, and no more once a fault ended it."""
        return self._thread is not None and self._thread.is_alive()

    def close(self) -> None:
        """Stop watching."""
        self._closed = True
        self._look.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self, seconds: float) -> None:
        while not self._closed:
            self._try()
            if self._on_look is not None:
                self._on_look()
            self._look.wait(seconds)
            if not self._closed:
                self._look.clear()

    def _try(self) -> None:
        name = ""
        try:
            self.settle()
            name = self._wanted()
            if name != self._failed:
                self.refresh()
                self._failed = ""
        except NotReleased as error:
            log.warning("not ready: %s", error)
        except CANNOT_BE_SERVED:
            # Loading costs seconds: it is tried again when production moves, or when somebody asks for it.
            self._failed = name
            if self._on_failure is not None:
                self._on_failure()
            log.exception("%s cannot be served; what was served before stays", name or self.product)

    def _wanted(self) -> str:
        release = current_release(self._lake, self.product)
        if release is None:
            raise NotReleased(f"{self.product} was never released: build it (headwater build {self.product})")
        return release.name

    def _tries(self, stable: Released, fresh: Released) -> bool:
        """Whether a release is tried; one that goes back, or that erases, takes over at once."""
        if self._trials.share == 0.0:
            return False
        names = [release.name for release in releases(self._lake, self.product)]
        if names.index(fresh.release) < names.index(stable.release):
            return False
        erased = erasures_at(self._lake, MAIN, self.product)
        return not erased.beyond(erasures_at(self._lake, stable.commit, self.product))

    def _serve(self, serving: Serving) -> None:
        before, self.serving = self.current, serving
        fresh, canary = serving.stable, serving.canary
        if fresh is not before:
            log.info("%s is served at commit %s", fresh.release, fresh.commit[:12])
        if canary is not None:
            share = 100 * canary.settings.share
            log.info("%s is on trial: it answers %g%% of the visitors", canary.released.release, share)
        if self._on_change is not None:
            self._on_change(serving)

    def _tell(self, outcome: str, why: str) -> None:
        log.log(logging.WARNING if outcome in {"refused", "rolled_back"} else logging.INFO, "trial: %s", why)
        if self._on_verdict is not None:
            self._on_verdict(outcome)


def warm(released: Released) -> None:
    """Load every part and use it once, so that the first request does not wait for it."""
    found = released.retrieve(WARM_UP)
    model = released.model
    prompt = encode_prompt(model.tokenizer, found.prompt)
    for _ in pieces(model, prompt, Sampling(max_tokens=1)):
        pass
