"""A new release is tried by a share of the visitors: a good one is taken, a bad one rolled back."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import local_servers
import pytest
import second_release
import tiny_product

from headwater.curate.erasures import Erasure, Erasures
from headwater.lake import Lake
from headwater.lake.erased import erasures_path
from headwater.release import current_release
from headwater.serve import open_release
from headwater.serve.api import make_app
from headwater.serve.canary import CanarySettings
from headwater.serve.canary_verdict import Seen
from headwater.serve.limits import Limits
from headwater.serve.production import Production
from headwater.settings import PRODUCTION

QUESTION = [{"role": "user", "content": "How does one label a fleet?"}]
HALF = CanarySettings(share=0.5, requests=20)


def profile(lake: Lake, threshold: float) -> dict[str, bytes | None]:
    """A reference profile that calls questions below a cosine uncovered."""
    embedder = open_release(lake, "tiny").index.about["embedder"]["fingerprint"]
    about = {"answerable_similarity": threshold, "embedder": embedder}
    return {"profile/profile.json": json.dumps(about).encode()}


def ask(client: Any, session: str, model: str = "tiny") -> tuple[str, str]:
    """The release that answered a session, and the response's id. Fails for a stream of two releases."""
    stream = client.chat.completions.create(
        model=model, messages=QUESTION, max_tokens=1, stream=True, extra_headers={"x-session-id": session}
    )
    chunks = list(stream)
    assert len({chunk.system_fingerprint for chunk in chunks}) == 1
    return chunks[0].headwater["release"], chunks[0].id


class Visitors:
    """Sessions that stream without pause beside a test, and what went wrong for them."""

    def __init__(self, running: Any) -> None:
        self.wrong: list[str] = []
        self.releases: set[str] = set()
        self._running, self._done = running, threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(n,), daemon=True) for n in range(2)]

    def __enter__(self) -> Visitors:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join(timeout=60)

    def _ask(self, number: int) -> None:
        client, asked = self._running.client(), 0
        while not self._done.is_set():
            asked += 1
            try:
                self.releases.add(ask(client, f"visitor-{number}-{asked}")[0])
            except Exception as error:  # noqa: BLE001 - whatever it is, it must not happen
                self.wrong.append(repr(error))


@pytest.mark.parametrize(("threshold", "outcome"), [(-1.0, "promoted"), (0.999, "rolled_back")])
def test_a_good_release_is_taken_and_a_bad_one_rolled_back(
    own_lake: Lake, serving: Any, tmp_path: Path, threshold: float, outcome: str
) -> None:
    old = second_release.make_release(own_lake, profile(own_lake, -1.0))
    canary = HALF.model_copy(update={"rollback": True})
    limits = Limits(rate=10_000, burst=10_000)
    app = make_app(own_lake, "tiny", limits=limits, poll_seconds=600, canary=canary, home=tmp_path)
    with serving(app) as running, running.http() as http:
        production, client = app.state.service.production, running.client()
        assert ask(client, "a")[0] == old.name
        new = second_release.make_release(own_lake, profile(own_lake, threshold))
        assert http.post("/admin/reload").json() == {"moved": True, "release": old.name}
        assert not http.post("/admin/reload").json()["moved"]
        assert running.metric("canary_share", version=new.name) == 0.5
        assert {"tiny", old.name, new.name} < {item.id for item in client.models.list()}
        assert ask(client, "a", new.name)[0] == new.name, "who names a release gets it"
        for number in range(6):
            release, response = ask(client, f"session-{number}")
            assert ask(client, f"session-{number}")[0] == release
            http.post("/v1/feedback", json={"response_id": response, "vote": 1})
        assert production.serving.canary.counts()[new.name] < 20
        with Visitors(running) as visitors:
            ended = lambda: running.metric("canary_verdicts_total", outcome=outcome) == 1  # noqa: E731
            local_servers.until(ended, 120, lambda: str(production.serving))
        taken = new if outcome == "promoted" else old
        assert {ask(client, f"later-{number}")[0] for number in range(4)} == {taken.name}
        assert http.get("/health/ready").json()["release"] == taken.name
        assert running.metric("requests_total", route="/v1/chat/completions", code="200", version=new.name)
    assert visitors.wrong == []
    assert visitors.releases == {old.name, new.name}
    current = current_release(own_lake, "tiny")
    assert current is not None
    assert current.name == taken.name
    if outcome == "rolled_back":
        told = next(own_lake.log(PRODUCTION, limit=1)).metadata
        assert told["rolled_back_from"] == new.name
        assert told["reason"] == f"on trial {new.name} was worse: no_answer"
        guards = {guard["name"]: guard for guard in json.loads(told["trial"])["guards"]}
        assert (guards["no_answer"]["old"], guards["no_answer"]["new"]) == (0, 1)
        assert guards["no_answer"]["adjusted"] < 0.01


def bad(production: Production, release: str, other: str) -> None:
    """Let a trial of `release` be due, and fail it."""
    for number in range(20):
        for name in (release, other):
            seen = Seen(f"{number}", failed=name == release, seconds=1.0)
            production.answered(name, f"{name}-{number}", seen)


def test_without_rollback_the_old_release_goes_on_until_production_moves(own_lake: Lake) -> None:
    production = Production(own_lake, tiny_product.PRODUCT, canary=HALF)
    served = lambda: [released.release for released in production.serving.loaded()]  # noqa: E731  # pyright: ignore
    production.refresh()
    first = open_release(own_lake, "tiny")
    second = second_release.make_release(own_lake, {})
    assert (production.refresh(), served()) == (True, ["tiny-v1", "tiny-v2"])
    production.settle()
    assert served() == ["tiny-v1", "tiny-v2"], "it is not due"
    bad(production, "tiny-v2", "tiny-v1")
    production.settle()
    assert (production.refresh(), served()) == (False, ["tiny-v1"])
    assert current_release(own_lake, "tiny").name == second.name  # pyright: ignore[reportOptionalMemberAccess]
    second_release.make_release(own_lake, {})
    assert (production.refresh(), served()) == (True, ["tiny-v1", "tiny-v3"])
    second_release.make_release(own_lake, {})
    assert (production.refresh(), served()) == (True, ["tiny-v1", "tiny-v4"])
    second_release.move(own_lake, first.commit)
    assert (production.refresh(), served()) == (True, ["tiny-v1"]), "somebody rolled back: the trial ends"


def test_what_goes_back_or_erases_takes_over_at_once(own_lake: Lake) -> None:
    first = open_release(own_lake, "tiny")
    second_release.make_release(own_lake, {})
    production = Production(own_lake, tiny_product.PRODUCT, canary=HALF)
    served = lambda: [released.release for released in production.serving.loaded()]  # noqa: E731  # pyright: ignore
    production.refresh()
    second_release.move(own_lake, first.commit)
    assert (production.refresh(), served()) == (True, ["tiny-v1"])
    with own_lake.change("main", "Erase") as change:
        erased = Erasures([Erasure("docs/a", "", "0" * 64)])
        change.put(erasures_path("tiny"), erased.as_bytes())
    second_release.make_release(own_lake, {})
    assert (production.refresh(), served()) == (True, ["tiny-v3"])


def test_a_rollback_that_was_overtaken_or_has_no_home_does_nothing(own_lake: Lake, tmp_path: Path) -> None:
    from headwater.versions.releases import rollback

    second_release.make_release(own_lake, {})
    third = second_release.make_release(own_lake, {})
    done = rollback(own_lake, "tiny", "tiny-v1", only_from="tiny-v2", home=tmp_path)
    assert (done.moved, done.release) == (False, third.name)
    with pytest.raises(ValueError, match="rollback: expected"):
        make_app(own_lake, "tiny", canary=HALF.model_copy(update={"rollback": True}))
