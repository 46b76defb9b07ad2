"""A new release takes over under load, and a broken one does not."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import local_servers
import openai
import pytest
import second_release
import tiny_product

from headwater.lake import Lake
from headwater.serve import open_release
from headwater.serve.api import make_app
from headwater.serve.limits import Limits

QUESTION = [{"role": "user", "content": "How does one label a fleet?"}]
FAST = Limits(rate=10_000, burst=10_000)
SWAPS, CLIENTS = 20, 4


def stream(client: openai.OpenAI) -> Any:
    return client.chat.completions.create(model="tiny", messages=QUESTION, max_tokens=8, stream=True)


@dataclass
class Load:
    """Clients that ask without pause, and what was wrong with what they got."""

    running: Any
    expected: dict[str, str]
    done: threading.Event = field(default_factory=threading.Event)
    answers: list[str] = field(default_factory=list[str])
    wrong: list[str] = field(default_factory=list[str])

    def client(self) -> None:
        client = self.running.client()
        while not self.done.is_set():
            try:
                chunks = list(stream(client))
            except openai.OpenAIError as error:
                self.wrong.append(f"failed: {error}")
                return
            about = chunks[0].headwater
            text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
            origins = {chunk.system_fingerprint for chunk in chunks}
            commits = {about["commit"], *(item["commit"] for item in about["citations"])}
            if len(origins) != 1 or len(commits) != 1 or text != self.expected[about["release"]]:
                self.wrong.append(f"mixed: {origins} {commits} {text!r}")
            self.answers.append(about["release"])


def test_twenty_swaps_under_load_fail_and_mix_nothing(own_lake: Lake, serving: Any, tmp_path: Path):
    first = open_release(own_lake, tiny_product.PRODUCT)
    second = second_release.make_release(
        own_lake, {"model/adapter_model.safetensors": second_release.other_adapter(own_lake, tmp_path)}
    )
    second_release.move(own_lake, first.commit)
    app = make_app(own_lake, tiny_product.PRODUCT, limits=FAST, poll_seconds=600)
    with serving(app) as running, running.http() as http:
        expected: dict[str, str] = {}
        for commit in (second.commit, first.commit):
            second_release.move(own_lake, commit)
            assert http.post("/admin/reload").json()["moved"]
            chunks = list(stream(running.client()))
            text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
            expected[chunks[0].headwater["release"]] = text
        assert len(set(expected.values())) == 2, "the releases answer differently"
        load = Load(running, expected)
        threads = [threading.Thread(target=load.client, daemon=True) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for number in range(SWAPS):
            second_release.move(own_lake, (second.commit, first.commit)[number % 2])
            before = len(load.answers)
            assert http.post("/admin/reload").json()["moved"]
            local_servers.until(
                lambda before=before: len(load.answers) > before + 1 or bool(load.wrong),
                60,
                lambda: "no answers",
            )
        load.done.set()
        for thread in threads:
            thread.join(timeout=60)
        print(f"{SWAPS} swaps, {len(load.answers)} answers, {len(load.wrong)} failed or mixed")
        assert load.wrong == []
        assert set(load.answers) == {"tiny-v1", "tiny-v2"}
        assert running.metric(
            "model_info", version="tiny-v1", commit=app.state.service.production.current.commit
        )


@pytest.fixture
def watched(own_lake: Lake, serving: Any) -> Any:
    app = make_app(own_lake, tiny_product.PRODUCT, limits=FAST, poll_seconds=0.1)
    with serving(app) as running:
        yield running


def test_the_branch_is_watched_and_a_broken_release_is_not_served(own_lake: Lake, watched: Any):
    good = second_release.make_release(own_lake, {})
    current = lambda: watched.app.state.service.production.current.release  # noqa: E731
    local_servers.until(lambda: current() == good.name, 60, current)
    second_release.make_release(own_lake, {"index/vectors.faiss": b"no index", "index/index.json": None})
    local_servers.until(lambda: watched.metric("reload_failures_total") == 1, 60, current)
    assert current() == good.name
    assert next(iter(stream(watched.client()))).headwater["release"] == good.name


def test_a_question_below_the_profile_is_not_answered(own_lake: Lake, watched: Any):
    served = open_release(own_lake, "tiny")
    near = served.retrieve(QUESTION[0]["content"]).top_similarity
    profile = {
        "answerable_similarity": near - 0.01,
        "embedder": served.index.about["embedder"]["fingerprint"],
    }
    release = second_release.make_release(own_lake, {"profile/profile.json": json.dumps(profile).encode()})
    current = lambda: watched.app.state.service.production.current.release  # noqa: E731
    local_servers.until(lambda: current() == release.name, 60, current)
    client = watched.client()
    covered = list(stream(client))
    assert covered[0].headwater["answerable"] is True
    foreign = [{"role": "user", "content": "Who won the chess championship in 1972?"}]
    for answer in (
        client.chat.completions.create(model="tiny", messages=foreign).choices[0].message.content,
        "".join(
            chunk.choices[0].delta.content or ""
            for chunk in client.chat.completions.create(model="tiny", messages=foreign, stream=True)
        ),
    ):
        assert answer == "The documentation of this release does not cover that question."
    assert watched.metric("no_answer_total") == 2
    other = json.dumps({**profile, "embedder": "another"}).encode()
    second_release.make_release(own_lake, {"profile/profile.json": other})
    local_servers.until(lambda: watched.metric("reload_failures_total") == 1, 60, current)
    assert current() == release.name
