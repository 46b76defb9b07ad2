"""Windows of an inference log, with questions that were really looked up in an index."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import tiny_product

from headwater.index.search import SearchIndex
from headwater.schemas.inference import INFERENCE
from headwater.tables import write_rows

BEGIN = datetime(2026, 3, 1, 8, tzinfo=UTC)
STRANGE = (
    "Which wine goes with roasted duck?",
    "How long do I boil potatoes for a salad?",
    "What do I season a goulash with?",
    "When is a sponge cake done?",
    "How do I keep bread dough from sticking?",
    "Why does my sauce curdle?",
)


def known(count: int) -> list[str]:
    """Questions such as the tiny product was made for."""
    forms = itertools.product(
        ("", "Please: ", "Say, ", "Hello. "), tiny_product.VERBS.values(), tiny_product.SERVICES
    )
    asked = (f"{start}{title.format(service)}?" for start, (title, _), service in forms)
    return [text for text, _ in zip(itertools.cycle(asked), range(count))]


def strange(count: int) -> list[str]:
    """Questions about cooking."""
    return [text for text, _ in zip(itertools.cycle(STRANGE), range(count))]


def rows(
    index: SearchIndex, window: str, questions: Sequence[str], **changed: Any
) -> Iterator[dict[str, Any]]:
    """Rows of the inference dataset, each of a session of its own; `changed` columns hold for all of them."""
    found: Mapping[str, Any] = {text: index.retrieve(text, 3) for text in sorted(set(questions))}
    for number, text in enumerate(questions):
        retrieved = found[text]
        yield {
            "window": window,
            "response_id": f"chatcmpl-{window}-{number:05d}",
            "time": BEGIN + timedelta(seconds=number),
            "product": tiny_product.PRODUCT,
            "release": "tiny-v1",
            "commit": "c0ffee",
            "route": "chat",
            "user": "",
            "session": f"session-{number}",
            "question": text,
            "answer": retrieved.hits[0].text,
            "retrieved": [
                {"chunk_id": hit.chunk_id, "document_id": hit.document_id, "uri": hit.uri,
                 "score": hit.score, "similarity": similarity}
                for hit, similarity in zip(retrieved.hits, retrieved.similarities, strict=True)
            ],
            "top_similarity": retrieved.top_similarity,
            "answerable": True,
            "status": 200,
            "latency_ms": 100.0,
            "first_token_ms": None,
            "prompt_tokens": 10,
            "completion_tokens": 3,
            "embedder": index.about["embedder"]["fingerprint"],
            "embedding": np.asarray(retrieved.vector, dtype="<f2").tobytes(),
            "vote": None,
            "feedback": 0,
            "language": "en",
            **changed,
        }  # fmt: skip


def records(
    index: SearchIndex, first: int, questions: Sequence[str], **changed: Any
) -> Iterator[dict[str, Any]]:
    """The same as a service logs them, numbered from `first`."""
    for number, row in enumerate(rows(index, "", questions, **changed), first):
        kept = {
            name: value
            for name, value in row.items()
            if name not in ("window", "vote", "feedback", "language")
        }
        yield {
            **kept,
            "kind": "request",
            "response_id": f"chatcmpl-{number:032x}",
            "time": (BEGIN + timedelta(seconds=number)).isoformat(timespec="microseconds"),
            "embedding": base64.b64encode(row["embedding"]).decode(),
        }


def write(folder: Path, windows: Sequence[Sequence[Mapping[str, Any]]]) -> Path:
    """An inference dataset of these windows."""
    every = [row for window in windows for row in window]
    write_rows(folder, every, INFERENCE.arrow, key=INFERENCE.key)
    return folder


def window_id(number: int) -> str:
    """Ids in their order."""
    return f"w-20260301T{number:012d}-{number:08x}"
