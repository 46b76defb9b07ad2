"""Exact and near duplicates over a whole corpus."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Self

import numpy as np
import xxhash
from pydantic import Field, model_validator

from headwater.curate.shingles import MAX_SHINGLE_WORDS, Hashes, ShingleStore, jaccard, shingles, signatures
from headwater.curate.step import StepSettings
from headwater.fingerprint import canonical_json

EXACT = "exact_duplicate"
NEAR = "near_duplicate"
# Pairs whose signatures agree this much less than the threshold are not worth the exact comparison: with
# 128 permutations the estimate's standard deviation is at most 0.044.
MARGIN = 0.15


class Deduplicate(StepSettings):
    """Keeps one document of each cluster of duplicates.

    Exact duplicates have equal normalized text. Near duplicates are found by MinHash over shingles of
    `shingle_words` words and locality-sensitive hashing (Leskovec, Rajaraman and Ullman, Mining of Massive
    Datasets, chapter 3): signatures of `permutations` values in `bands` bands. With 21 bands of 6 a pair of
    similarity 0.8 meets in some band with probability 0.998, one of 0.5 with 0.28. Every pair that meets is
    compared exactly; clusters are the connected components of the pairs whose Jaccard similarity is at
    least `threshold`.

    In a band, a document is compared with up to `max_compared` different documents that share its bucket:
    cost stays linear where thousands of different texts collide.

    Documents whose attributes named in `distinct_by` differ are never merged.
    """

    name: ClassVar[str] = "dedup"
    modules: ClassVar[tuple[str, ...]] = ("headwater.curate.shingles", "headwater.curate.words")
    libraries: ClassVar[tuple[str, ...]] = ("rensa", "xxhash")
    exact: bool = True
    near: bool = True
    threshold: Annotated[float, Field(gt=0.0, le=1.0)] = 0.8
    shingle_words: Annotated[int, Field(ge=1, le=MAX_SHINGLE_WORDS)] = 5
    permutations: Annotated[int, Field(ge=16, le=1024)] = 128
    bands: Annotated[int, Field(ge=1)] = 21
    max_compared: Annotated[int, Field(ge=1)] = 32
    distinct_by: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _bands_fit(self) -> Self:
        if self.bands > self.permutations:
            raise ValueError(f"bands ({self.bands}) must be at most permutations ({self.permutations})")
        return self


@dataclass(frozen=True)
class Duplicate:
    """A dropped document: which one is kept for it, why, and how similar the two are.

    The similarity may be under the threshold where a third document links the two.
    """

    index: int
    kept: int
    reason: str
    similarity: float
    linked: bool = False

    def describe(self) -> str:
        """The similarity in words."""
        through = " (linked through others of the cluster)" if self.linked else ""
        return f"similarity {self.similarity:.3f}{through}"


class Deduplicator:
    """Takes all documents in their order, then tells which to drop.

    Memory for each document: its digest and, if that is new, its signature (512 bytes by default); shingles
    stand in `store`, which must be open.
    """

    def __init__(self, settings: Deduplicate, store: ShingleStore) -> None:
        self._settings = settings
        self._store = store
        self._first: dict[bytes, int] = {}
        self._exact: dict[int, int] = {}
        self._ranks: list[int] = []
        self._signed: list[int] = []
        self._distinct: list[int] = []
        self._signatures: list[np.ndarray[Any, np.dtype[np.uint32]]] = []

    def add(
        self, texts: Sequence[str], attributes: Sequence[Mapping[str, str]], ranks: Sequence[int]
    ) -> None:
        """Take the next documents. The document with the lowest rank, and then the earliest, is kept."""
        sets: list[Hashes] = []
        for text, fields, rank in zip(texts, attributes, ranks, strict=True):
            index = len(self._ranks)
            self._ranks.append(rank)
            key = canonical_json([fields.get(name, "") for name in self._settings.distinct_by])
            if self._settings.exact:
                digest = xxhash.xxh3_128_digest(f"{key}\0{text}".encode())
                first = self._first.setdefault(digest, index)
                if first != index:
                    self._exact[index] = first
                    continue
            if self._settings.near:
                found = shingles(text, self._settings.shingle_words)
                if len(found):
                    sets.append(found)
                    self._store.append(found)
                    self._signed.append(index)
                    self._distinct.append(xxhash.xxh3_64_intdigest(key.encode()))
        if sets:
            self._signatures.append(signatures(sets, self._settings.permutations))

    def duplicates(self) -> Iterator[Duplicate]:
        """The documents to drop, in their order."""
        clusters = _Clusters(self._ranks)
        for index, first in self._exact.items():
            clusters.join(index, first)
        if self._signatures:
            self._store.flush()
            self._join_similar(clusters, np.concatenate(self._signatures))
        numbers = {index: number for number, index in enumerate(self._signed)}
        for index in range(len(self._ranks)):
            kept = clusters.root(index)
            if kept == index:
                continue
            left, right = self._exact.get(index, index), self._exact.get(kept, kept)
            if left == right:
                yield Duplicate(index, kept, EXACT, 1.0)
            else:
                similarity = jaccard(self._store.get(numbers[left]), self._store.get(numbers[right]))
                yield Duplicate(index, kept, NEAR, similarity, similarity < self._settings.threshold)

    def _join_similar(self, clusters: _Clusters, matrix: np.ndarray[Any, np.dtype[np.uint32]]) -> None:
        rows = self._settings.permutations // self._settings.bands
        distinct = np.array(self._distinct, dtype=np.uint64)
        for band in range(self._settings.bands):
            for bucket in _buckets(matrix[:, band * rows : (band + 1) * rows], distinct):
                self._join_bucket(clusters, matrix, bucket)

    def _join_bucket(
        self, clusters: _Clusters, matrix: np.ndarray[Any, np.dtype[np.uint32]], bucket: Sequence[int]
    ) -> None:
        seen = [bucket[0]]
        for number in bucket[1:]:
            root = clusters.root(self._signed[number])
            if any(clusters.root(self._signed[other]) == root for other in seen):
                continue
            agreement = (matrix[seen] == matrix[number]).mean(axis=1)
            for other in (seen[i] for i in np.flatnonzero(agreement >= self._settings.threshold - MARGIN)):
                if jaccard(self._store.get(number), self._store.get(other)) >= self._settings.threshold:
                    clusters.join(self._signed[number], self._signed[other])
                    break
            else:
                if len(seen) < self._settings.max_compared:
                    seen.append(number)


class _Clusters:
    """Union-find whose roots are the documents to keep: lowest rank, then earliest."""

    def __init__(self, ranks: Sequence[int]) -> None:
        self._ranks = ranks
        self._parents = list(range(len(ranks)))

    def root(self, index: int) -> int:
        while self._parents[index] != index:
            self._parents[index] = self._parents[self._parents[index]]
            index = self._parents[index]
        return index

    def join(self, left: int, right: int) -> None:
        left, right = self.root(left), self.root(right)
        first, second = sorted((left, right), key=lambda index: (self._ranks[index], index))
        self._parents[second] = first


def _buckets(columns: np.ndarray[Any, np.dtype[np.uint32]], distinct: Hashes) -> Iterator[list[int]]:
    """Numbers of the rows that are equal in all columns and in `distinct`, where there are at least two."""
    keys = distinct.copy()
    with np.errstate(over="ignore"):
        for column in columns.T:
            keys = (keys ^ column.astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
            keys ^= keys >> np.uint64(29)
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    ends = np.r_[starts[1:], len(ordered)]
    for start, end in zip(starts[ends - starts > 1], ends[ends - starts > 1], strict=True):
        yield order[start:end].tolist()
