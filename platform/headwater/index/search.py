"""Search an index: by meaning, by words, or by both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from headwater.index.embedder import Embedder, EmbeddingModel
from headwater.index.encoder import Vectors
from headwater.index.layout import INDEX_FILE, LEXICAL_FOLDER, PASSAGES_FILE, VECTORS_FILE
from headwater.index.lexical import Lexical
from headwater.index.nearest import VectorIndex
from headwater.index.passages import Passages
from headwater.tables import read_json

Method = Literal["dense", "bm25", "hybrid"]
METHODS: tuple[Method, ...] = get_args(Method)

FUSION_K = 60
"""The constant of reciprocal rank fusion; Cormack, Clarke and Büttcher (SIGIR 2009) use 60."""
FUSION_DEPTH = 100
"""Ranks of each retriever that are fused."""

Ranking = list[tuple[int, float]]
"""(position in the index, score), best first."""


class EmbedderMismatch(ValueError):
    """The query embedder is not the one that made the index: their vectors cannot be compared."""


@dataclass(frozen=True)
class Hit:
    """A found passage. `score` is a cosine, a BM25 score or a fused score: comparable within one method."""

    chunk_id: str
    document_id: str
    uri: str
    title: str
    section: str
    text: str
    start: int
    end: int
    raw_digest: str
    score: float


@dataclass(frozen=True)
class Retrieved:
    """What a question found by both ways: `hits` in fused order, `similarities` their cosines.

    `top_similarity` is the best cosine of the whole index, of a passage that need not be among the hits;
    `vector` is the question's, float32 [dimensions].
    """

    hits: list[Hit]
    similarities: list[float]
    top_similarity: float
    vector: Vectors


class SearchIndex:
    """An index folder, opened by memory map; each part is loaded when it is first used."""

    def __init__(self, folder: Path, embedder: Embedder | None = None) -> None:
        self._folder = folder
        self.about: Mapping[str, Any] = read_json(folder / INDEX_FILE)
        if embedder is not None:
            self._require(embedder)
            self.__dict__["embedder"] = embedder

    @classmethod
    def open(cls, folder: Path, embedder: Embedder | None = None) -> SearchIndex:
        """Open an index. Without an embedder, the model named in the index is loaded at the first query.

        Raises `EmbedderMismatch` when the embedder's fingerprint is not the index's, `FileNotFoundError`
        for a folder that is no index.
        """
        return cls(folder, embedder)

    def __len__(self) -> int:
        return int(self.about["rows"])

    @cached_property
    def embedder(self) -> Embedder:
        """The query embedder. Raises `EmbedderMismatch` when the installed model is another one."""
        embedder = Embedder(EmbeddingModel.model_validate(self.about["embedder"]["model"]))
        self._require(embedder)
        return embedder

    def search(self, query: str, k: int = 10, method: str = "hybrid") -> list[Hit]:
        """The best `k` passages. Raises `ValueError` for an unknown method, a blank query or `k` below 1."""
        _require_query([query], k)
        if _method(method) == "bm25":
            return self.hits(self._lexical.rank(query, k))
        vector = self.embedder.embed_query(query)[None, :]
        return self.hits(self._rank([query], vector, k, _method(method))[0])

    def retrieve(self, query: str, k: int, method: str = "hybrid") -> Retrieved:
        """What `search` finds, with how near each passage is to the query. Raises what `search` raises."""
        _require_query([query], k)
        chosen = _method(method)
        vector = self.embedder.embed_query(query)
        depth = max(k, FUSION_DEPTH)
        dense = self._dense.rank(vector[None, :], depth)[0]
        words = [] if chosen == "dense" else self._lexical.rank(query, depth)
        ranking = {"dense": dense, "bm25": words, "hybrid": fuse(dense, words)}[chosen][:k]
        cosines = self._dense.cosines(vector, [position for position, _ in ranking])
        return Retrieved(self.hits(ranking), cosines, dense[0][1] if dense else 0.0, vector)

    def nearest(self, queries: Sequence[str]) -> tuple[Vectors, Vectors]:
        """The queries' vectors [n, dimensions] and the cosine of each one's nearest passage [n].

        The cosine is NaN where the index is empty. Raises what `search` raises.
        """
        _require_query(queries, 1)
        vectors = self.embedder.embed(queries)
        ranked = self._dense.rank(vectors, 1) if len(queries) and len(self) else [[]] * len(queries)
        cosines = [ranking[0][1] if ranking else np.nan for ranking in ranked]
        return vectors, np.asarray(cosines, dtype=np.float32)

    def rank(self, queries: Sequence[str], k: int, method: str) -> list[Ranking]:
        """Positions and scores instead of hits."""
        _require_query(queries, k)
        chosen = _method(method)
        vectors = None if chosen == "bm25" else self.embedder.embed(queries)
        return self._rank(queries, vectors, k, chosen)

    def rank_by_all(self, queries: Sequence[str], k: int) -> dict[Method, list[Ranking]]:
        """Rankings of every method; each query is embedded once."""
        _require_query(queries, k)
        depth = max(k, FUSION_DEPTH)
        dense = self._dense.rank(self.embedder.embed(queries), depth)
        words = [self._lexical.rank(query, depth) for query in queries]
        both = [fuse(left, right)[:k] for left, right in zip(dense, words, strict=True)]
        return {
            "dense": [ranking[:k] for ranking in dense],
            "bm25": [ranking[:k] for ranking in words],
            "hybrid": both,
        }

    def hits(self, ranking: Ranking) -> list[Hit]:
        """Passages of a ranking."""
        rows = self._passages.take([position for position, _ in ranking])
        return [Hit(**row, score=score) for row, (_, score) in zip(rows, ranking, strict=True)]

    def title_of(self, chunk_id: str) -> str:
        """Title of a chunk's document, or its uri if it has none. Raises `KeyError` for an unknown chunk."""
        return self._passages.title_of(chunk_id)

    def passages(self, chunk_ids: Sequence[str]) -> dict[str, tuple[str, Vectors]]:
        """Title and text, and vector [dimensions], of those of the chunks that the index holds."""
        places = {name: self._positions[name] for name in chunk_ids if name in self._positions}
        rows = self._passages.take(list(places.values()))
        vectors = self._dense.vectors(list(places.values()))
        return {
            name: (f"{row['title']}\n{row['text']}".strip(), vectors[number])
            for number, (name, row) in enumerate(zip(places, rows, strict=True))
        }

    def documents(self) -> tuple[npt.NDArray[np.int32], dict[str, int]]:
        """See `Passages.documents`."""
        return self._passages.documents()

    def _rank(self, queries: Sequence[str], vectors: Vectors | None, k: int, method: Method) -> list[Ranking]:
        depth = k if method != "hybrid" else max(k, FUSION_DEPTH)
        words = [self._lexical.rank(query, depth) for query in queries] if method != "dense" else []
        if vectors is None:
            return words
        dense = self._dense.rank(vectors, depth)
        if method == "dense":
            return dense
        return [fuse(left, right)[:k] for left, right in zip(dense, words, strict=True)]

    def _require(self, embedder: Embedder) -> None:
        wanted = self.about["embedder"]["fingerprint"]
        if embedder.fingerprint != wanted:
            raise EmbedderMismatch(
                f"the index was made by embedder {wanted[:16]} "
                f"({self.about['embedder']['model']['package']}), queries would be embedded by "
                f"{embedder.fingerprint[:16]} ({embedder.model.package}): install the model of the index, "
                "or rebuild the index"
            )

    @cached_property
    def _positions(self) -> dict[str, int]:
        return self._passages.positions()

    @cached_property
    def _passages(self) -> Passages:
        return Passages(self._folder / PASSAGES_FILE)

    @cached_property
    def _lexical(self) -> Lexical:
        return Lexical(self._folder / LEXICAL_FOLDER)

    @cached_property
    def _dense(self) -> VectorIndex:
        return VectorIndex(self._folder / VECTORS_FILE)


def fuse(*rankings: Ranking) -> Ranking:
    """Reciprocal rank fusion: score = sum over rankings of 1 / (60 + rank); equal scores by position."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, (position, _) in enumerate(ranking, 1):
            scores[position] = scores.get(position, 0.0) + 1.0 / (FUSION_K + rank)
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))


def _method(name: str) -> Method:
    for method in METHODS:
        if name == method:
            return method
    raise ValueError(f"method must be one of {', '.join(METHODS)}, not {name!r}")


def _require_query(queries: Sequence[str], k: int) -> None:
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    if any(not query.strip() for query in queries):
        raise ValueError("the query is blank")
