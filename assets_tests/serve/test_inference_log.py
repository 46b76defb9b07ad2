"""From the service's endpoints to rows of the product's `inference`, with the real log between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import local_servers
import numpy as np
import openai
import pytest

from headwater.inference_log.log import InferenceLog
from headwater.inference_log.maker import InferenceMaker, WindowSettings
from headwater.inference_log.places import Places
from headwater.inference_log.privacy import redaction_of
from headwater.schemas import FEEDBACK, INFERENCE
from headwater.serve.released import Released
from headwater.tables import read_rows
from headwater.workspace import Workspace

Rows = list[dict[str, Any]]
MESSAGES: Any = [{"role": "user", "content": "How does one list every host? Tell grace@navy.mil"}]


@pytest.fixture
def logging_service(service: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InferenceLog]:
    log = InferenceLog(tmp_path, "tiny", environment={})
    monkeypatch.setattr(service.app.state.service, "log", log)
    yield log
    log.close()


@pytest.fixture
def windows(tmp_path: Path, logging_service: InferenceLog) -> Callable[[], tuple[Rows, Rows]]:
    """End the log and make windows of it: requests and judgements."""

    def make() -> tuple[Rows, Rows]:
        logging_service.close()
        out = tmp_path / "out"
        maker = InferenceMaker(WindowSettings(window_rows=1), Places.of(tmp_path, "tiny").closed)
        maker(Workspace(out, {}, None, tmp_path / "cache", tmp_path / "scratch"))
        assert INFERENCE.audit(out).passed
        assert FEEDBACK.audit(out / "feedback").passed
        return list(read_rows(out)), list(read_rows(out / "feedback"))

    return make


def test_a_question_and_its_judgement_end_as_a_row(service, client, released, logging_service, windows):
    answer = client.chat.completions.create(
        model="tiny", messages=MESSAGES, max_tokens=4, user="ada", extra_headers={"x-session-id": "s1"}
    )
    with service.http() as http:
        judged = {"response_id": answer.id, "vote": 0, "correction": "Ask grace@navy.mil", "user": "ada"}
        assert http.post("/v1/feedback", json=judged).json()["logged"]
    requests, judgements = windows()
    (row,) = requests
    assert row["response_id"] == answer.id
    assert row["question"] == "How does one list every host? Tell <EMAIL>"
    assert (row["status"], row["route"], row["vote"], row["feedback"]) == (200, "chat", 0, 1)
    assert (row["release"], row["commit"]) == (released.release, released.commit)
    assert [one["chunk_id"] for one in row["retrieved"]] == [
        one["chunk_id"] for one in answer.headwater["citations"]
    ]
    vector = np.frombuffer(row["embedding"], dtype="<f2").astype(np.float32)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-2)
    assert (judgements[0]["correction"], judgements[0]["served"]) == ("Ask <EMAIL>", True)
    assert row["user"] == judgements[0]["user"] != "ada"
    assert row["session"] not in ("", "s1")


def test_refused_failed_and_left_requests_are_logged_with_their_status(
    service, client, logging_service, windows, monkeypatch
):
    long: Any = [{"role": "user", "content": "word " * 2000}]
    with pytest.raises(openai.UnprocessableEntityError):
        client.chat.completions.create(model="tiny", messages=long)
    with pytest.raises(openai.UnprocessableEntityError):
        client.chat.completions.create(model="tiny", messages=MESSAGES, max_tokens=100_000)
    stream = client.chat.completions.create(
        model="tiny", messages=MESSAGES, max_tokens=300, temperature=2.0, stream=True
    )
    next(iter(stream))
    stream.close()
    with service.http() as http:
        assert http.post("/v1/search", json={"query": "host"}).status_code == 200
        assert http.post("/v1/embeddings", json={"model": "tiny", "input": ["x"] * 5}).status_code == 422

    def fail(*_: Any) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(Released, "retrieve", fail)
    with pytest.raises(openai.InternalServerError):
        client.chat.completions.create(model="tiny", messages=MESSAGES)
    local_servers.until(lambda: logging_service._accepted >= 6, 30, lambda: "not all were logged")
    requests, _ = windows()
    assert sorted((row["route"], row["status"]) for row in requests) == [
        ("chat", 422),
        ("chat", 422),
        ("chat", 499),
        ("chat", 500),
        ("embeddings", 422),
        ("search", 200),
    ]
    assert all(row["question"] for row in requests if row["route"] != "embeddings")


def test_the_service_redacts_by_the_rules_of_the_released_product(built):
    redact = redaction_of(built.lake, "production", "tiny")
    assert "email" in redact.kinds
    assert redaction_of(built.lake, "production", "unknown") == redaction_of(built.lake, "nowhere", "tiny")
