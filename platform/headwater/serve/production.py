"""What `production` holds, ready to answer: a new release is loaded beside the old one, then replaces it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from headwater.lake.protocol import Lake
from headwater.release import current_release
from headwater.serve.decoding import Sampling, pieces
from headwater.serve.released import NotReleased, Released, open_release
from headwater.train.completion import encode_prompt

log = logging.getLogger("headwater")

WARM_UP = "What can be done?"


class Production:
    """The release of one product that requests are answered from.

    `current` is one reference: a request takes it once and keeps it, so that it ends on the version it began
    with. The old release is let go when its last request has ended.
    """

    def __init__(
        self,
        lake: Lake,
        product: str,
        *,
        on_swap: Callable[[Released], None] | None = None,
        on_failure: Callable[[], None] | None = None,
        on_look: Callable[[], None] | None = None,
    ) -> None:
        self.product = product
        self.current: Released | None = None
        self._lake = lake
        self._on_swap = on_swap
        self._on_failure = on_failure
        self._on_look = on_look
        self._lock = threading.Lock()
        self._failed = ""
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def refresh(self) -> bool:
        """Load what production holds, if that is another release; returns whether it was.

        Raises `NotReleased`, and what loading raises; the release that stands goes on answering.
        """
        with self._lock:
            name = self._wanted()
            if self.current is not None and self.current.release == name:
                return False
            fresh = open_release(self._lake, self.product)
            if self.current is not None:
                fresh.share(self.current)
            warm(fresh)
            self.current = fresh
        log.info("%s is served at commit %s", fresh.release, fresh.commit[:12])
        if self._on_swap is not None:
            self._on_swap(fresh)
        return True

    def watch(self, seconds: float) -> None:
        """Refresh now and then every so many seconds, in a thread, until `close`."""
        self._thread = threading.Thread(target=self._watch, args=(seconds,), name="production", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop watching."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self, seconds: float) -> None:
        while True:
            self._try()
            if self._on_look is not None:
                self._on_look()
            if self._stop.wait(seconds):
                return

    def _try(self) -> None:
        name = ""
        try:
            name = self._wanted()
            if name != self._failed:
                self.refresh()
                self._failed = ""
        except NotReleased as error:
            log.warning("not ready: %s", error)
        except Exception:
            # Whatever is wrong with a release must not end the service. Loading costs seconds: it is tried
            # again when production moves, or when somebody asks for it.
            self._failed = name
            if self._on_failure is not None:
                self._on_failure()
            log.exception("%s cannot be served; what was served before stays", name or self.product)

    def _wanted(self) -> str:
        release = current_release(self._lake, self.product)
        if release is None:
            raise NotReleased(f"{self.product} was never released: build it (headwater build {self.product})")
        return release.name


def warm(released: Released) -> None:
    """Load every part and use it once, so that the first request does not wait for it."""
    found = released.retrieve(WARM_UP)
    model = released.model
    prompt = encode_prompt(model.tokenizer, found.prompt)
    for _ in pieces(model, prompt, Sampling(max_tokens=1)):
        pass
