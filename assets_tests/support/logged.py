"""Records of the inference log as a service tells them, and closed segments of them."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from headwater.inference_log.lines import encoded
from headwater.inference_log.segments import SegmentName

BEGIN = datetime(2026, 3, 1, 8, tzinfo=UTC)
WRITER = "0badcafe"


def request(number: int, *, minutes: float | None = None, **changed: Any) -> dict[str, Any]:
    """The how manieth request, by default `number` minutes after the beginning."""
    time = BEGIN + timedelta(minutes=number if minutes is None else minutes)
    vector = np.full(4, number / 7, dtype="<f2")
    return {
        "kind": "request",
        "response_id": f"chatcmpl-{number:032x}",
        "time": time.isoformat(timespec="microseconds"),
        "product": "tiny",
        "release": "tiny-v1",
        "commit": "c0ffee",
        "route": "chat",
        "user": f"user{number % 3}",
        "session": "",
        "question": f"How does one delete the bucket with the number {number}?",
        "answer": "By its name.",
        "retrieved": [
            {"chunk_id": "c", "document_id": f"d{number}", "uri": f"docs/{number}.md", "score": 0.5,
             "similarity": 0.25},
        ],
        "top_similarity": 0.25,
        "answerable": None,
        "status": 200,
        "latency_ms": 12.5,
        "first_token_ms": None,
        "prompt_tokens": 10,
        "completion_tokens": 3,
        "embedder": "e",
        "embedding": base64.b64encode(vector.tobytes()).decode(),
        **changed,
    }  # fmt: skip


def feedback(number: int, on: int, *, minutes: float, **changed: Any) -> dict[str, Any]:
    """A judgement of the request with the number `on`."""
    time = BEGIN + timedelta(minutes=minutes)
    return {
        "kind": "feedback",
        "feedback_id": f"feedback-{number:032x}",
        "response_id": f"chatcmpl-{on:032x}",
        "time": time.isoformat(timespec="microseconds"),
        "user": "",
        "vote": None,
        "score": None,
        "correction": "",
        **changed,
    }


def entry(number: int, record: Mapping[str, Any] | None, **note: Any) -> bytes:
    """The line with which a writer's record stands in a segment."""
    logged = (BEGIN + timedelta(seconds=number)).isoformat(timespec="microseconds")
    return encoded({"number": number, "logged": logged, "record": record, **note})


def segment(folder: Path, lines: Sequence[bytes], *, count: int = 1, writer: str = WRITER) -> Path:
    """A closed segment with these lines."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / str(SegmentName.new(writer, count, BEGIN + timedelta(seconds=count)))
    path.write_bytes(b"".join(lines))
    return path
