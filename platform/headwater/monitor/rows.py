"""What monitoring looks at: the questions of a reference or of a window, one row each, and the requests."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from headwater.monitor.clusters import Floats, Rows, numbered

SERVER_ERROR = 500
"""HTTP status from which a request counts as failed."""


class OtherEmbedder(ValueError):
    """Vectors of two embedders were about to be compared."""


@dataclass(frozen=True)
class Observed:
    """Questions with all that is known of each. Arrays have one value a row; NaN is "not known".

    `clusters` says which rows came about together (session, user or document). `embeddings` are unit vectors
    [n, d] of the embedder whose digest is `embedder`. `similarity` is the cosine of the nearest passage,
    `nearest` that passage's document. `down` is 1 for a thumb down and 0 for any other vote. `grounded` is 1
    where the answer is supported by its passages. `contradicts` is 1 where feedback contradicts gold and 0
    where it agrees. `measures` holds further numbers to watch (toxicity, perplexity, quality), `kinds`
    further names (language).
    """

    embedder: str
    texts: Sequence[str]
    clusters: Rows
    embeddings: Floats
    similarity: Floats
    nearest: Sequence[str] = ()
    down: Floats | None = None
    grounded: Floats | None = None
    contradicts: Floats | None = None
    measures: Mapping[str, Floats] = field(default_factory=dict[str, Floats])
    kinds: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])

    def __post_init__(self) -> None:
        columns: dict[str, Sequence[Any] | npt.NDArray[Any] | None] = {
            "clusters": self.clusters,
            "embeddings": self.embeddings,
            "similarity": self.similarity,
            "down": self.down,
            "grounded": self.grounded,
            "contradicts": self.contradicts,
            "nearest": self.nearest or None,
            **self.measures,
            **self.kinds,
        }
        for name, values in columns.items():
            if values is not None and len(values) != len(self.texts):
                raise ValueError(f"{name} has {len(values)} rows, the texts have {len(self.texts)}")

    @property
    def rows(self) -> int:
        """Number of questions."""
        return len(self.texts)


@dataclass(frozen=True)
class Answers:
    """What became of answers, a value each: `down` and `grounded` as in `Observed`, NaN for not known."""

    clusters: Rows
    down: Floats
    grounded: Floats


@dataclass(frozen=True)
class Requests:
    """How the service did: latency of every answered request in milliseconds, and how many failed."""

    latency_ms: Floats
    failed: int

    @classmethod
    def of(cls, records: Iterable[Mapping[str, Any]]) -> Requests:
        """From rows of the inference log; a status of 500 or more is a failure."""
        rows = list(records)
        answered = [row for row in rows if int(row["status"]) < SERVER_ERROR]
        return cls(_column(answered, "latency_ms"), len(rows) - len(answered))


@dataclass(frozen=True)
class WindowData:
    """A closed window: its id, from which all seeds come, its questions and its requests.

    `others` counts the requests that other releases answered. Of those nothing is known but the question:
    similarity, votes, support and latency are another index's and another model's.
    """

    id: str
    observed: Observed
    requests: Requests | None = None
    others: Mapping[str, int] = field(default_factory=dict[str, int])

    @classmethod
    def of(
        cls,
        window: str,
        records: Sequence[Mapping[str, Any]],
        *,
        embedder: str,
        dimensions: int,
        release: str = "",
    ) -> WindowData:
        """From rows of the inference log, held to `release` (empty: to whichever answered).

        Raises `OtherEmbedder`.
        """
        own = [row for row in records if answered_by(row, release)]
        known = [row if answered_by(row, release) else {**row, **_UNKNOWN} for row in records]
        others = Counter(str(row["release"]) for row in records if not answered_by(row, release))
        questions = observed(known, embedder=embedder, dimensions=dimensions)
        return cls(window, questions, Requests.of(own), dict(sorted(others.items())))


_UNKNOWN = dict.fromkeys(("top_similarity", "vote", "grounded", "contradicts"))


def answered_by(row: Mapping[str, Any], release: str) -> bool:
    """Whether a row of the log counts as this release's: also where it names none, or none is asked for."""
    return not release or row.get("release") in (None, "", release)


def observed(records: Iterable[Mapping[str, Any]], *, embedder: str, dimensions: int) -> Observed:
    """Rows of the inference log (kind `request`, feedback joined as `vote`) that carry an embedding.

    An embedding is base64 text, as in the log, or bytes, as in the lake: little-endian float16.

    A cluster is a session, else a user, else the single response: anonymous rows count as independent.
    Optional fields: `vote`, `grounded`, `contradicts`, `language`. Raises `OtherEmbedder` for a row of
    another embedder.
    """
    rows = [record for record in records if record.get("embedding")]
    strangers = sorted({str(row["embedder"]) for row in rows} - {embedder})
    if strangers:
        raise OtherEmbedder(f"the window has vectors of embedder {strangers[0]}, the profile of {embedder}")
    vectors = [np.frombuffer(_bytes(row["embedding"]), dtype="<f2") for row in rows]
    embeddings = np.asarray(vectors, dtype=np.float32).reshape(len(rows), dimensions)
    embeddings /= np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    return Observed(
        embedder=embedder,
        texts=[str(row["question"]) for row in rows],
        clusters=numbered([cluster_of(row) for row in rows]),
        embeddings=embeddings,
        similarity=_column(rows, "top_similarity"),
        nearest=[_nearest(row) for row in rows],
        down=np.asarray([down_of(row.get("vote")) for row in rows], dtype=np.float32),
        grounded=_column(rows, "grounded"),
        contradicts=_column(rows, "contradicts"),
        kinds={"language": [str(row["language"]) for row in rows]}
        if rows and all(row.get("language") for row in rows)
        else {},
    )


def _bytes(embedding: bytes | str) -> bytes:
    return embedding if isinstance(embedding, bytes) else base64.b64decode(embedding)


def cluster_of(row: Mapping[str, Any]) -> str:
    """What a row of the log came about with. Raises `ValueError` for a row that names nothing."""
    for name in ("session", "user", "response_id"):
        if row.get(name):
            return f"{name}:{row[name]}"
    raise ValueError("a row has neither session, user nor response_id")


def _nearest(row: Mapping[str, Any]) -> str:
    retrieved: Sequence[Mapping[str, Any]] = row.get("retrieved") or ()
    scored = [item for item in retrieved if item.get("similarity") is not None]
    return str(max(scored, key=lambda item: float(item["similarity"]))["uri"]) if scored else ""


def down_of(vote: Any) -> float:
    """1 for a thumb down, 0 for a thumb up, NaN where nobody judged."""
    return float("nan") if vote in (None, 0) else float(vote < 0)


def _column(rows: Sequence[Mapping[str, Any]], name: str) -> Floats:
    values = [np.nan if row.get(name) is None else float(row[name]) for row in rows]
    return np.asarray(values, dtype=np.float32)
