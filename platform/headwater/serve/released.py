"""A release, opened for questions: its index by memory map, its model when it is first asked.

Everything is read at one commit. An answer cites the passages that it was given: chunk, document, offsets,
the digest of the original file and the commit at which all of it can be read again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from headwater.index.encoder import Vectors
from headwater.index.search import Hit, Retrieved, SearchIndex
from headwater.lake.errors import LakeError, NotFound
from headwater.lake.protocol import Lake
from headwater.lake.records import data_version
from headwater.release import current_release
from headwater.serve.answerable import answerable_threshold
from headwater.settings import PRODUCTION
from headwater.train.prompt import format_prompt, passage_of

if TYPE_CHECKING:
    from headwater.train.generate import Generator

CONTEXT_PASSAGES = 3
MAX_ANSWER_TOKENS = 96


class NotReleased(LakeError):
    """The product has no release, or the ref holds no index of it."""


@dataclass(frozen=True)
class Citation:
    """A passage that an answer was given, and where to read it again.

    `score` ranks it among what one search found; `similarity` is its cosine with the question, where known.
    """

    rank: int
    chunk_id: str
    document_id: str
    uri: str
    title: str
    start: int
    end: int
    raw_digest: str
    score: float
    text: str
    commit: str
    similarity: float | None = None


@dataclass(frozen=True)
class Retrieval:
    """What a question is answered from. `answerable` is None where the release does not say what is too far.

    `top_similarity` is the best cosine of the whole index; `vector` the question's, float32 [dimensions].
    """

    question: str
    citations: tuple[Citation, ...]
    top_similarity: float
    answerable: bool | None
    vector: Vectors = field(repr=False)

    @property
    def prompt(self) -> str:
        """What the model is asked."""
        passages = [passage_of(item.title, item.text) for item in self.citations]
        return format_prompt(self.question, passages)


@dataclass(frozen=True)
class Answer:
    """The model's answer with its citations. `release` is empty when a ref was asked instead."""

    question: str
    text: str
    citations: tuple[Citation, ...]
    release: str
    commit: str


class Parts(Protocol):
    """Where the parts of a release are."""

    def folder(self, asset: str) -> Path:
        """The files of one. Raises `NotReleased` where it is missing."""
        ...

    def version(self, asset: str) -> str | None:
        """The data version of one, None where it is missing."""
        ...


@dataclass(frozen=True)
class LakeParts:
    """A product's parts at a commit of the lake."""

    lake: Lake
    product: str
    commit: str

    def folder(self, asset: str) -> Path:
        """See `Parts`."""
        try:
            return self.lake.fetch(self.commit, f"{self.product}/{asset}/")
        except NotFound as error:
            raise NotReleased(
                f"{self.product} has no {asset} at {self.commit}: build it (headwater build {self.product})"
            ) from error

    def version(self, asset: str) -> str | None:
        """See `Parts`."""
        return data_version(self.lake, self.commit, f"{self.product}/{asset}/")


@dataclass(frozen=True)
class Released:
    """A product at a commit."""

    product: str
    commit: str
    release: str
    parts: Parts = field(repr=False)
    created: int = 0
    """When the release was made, in seconds since 1970."""

    @cached_property
    def index(self) -> SearchIndex:
        """The search index, memory-mapped."""
        return SearchIndex.open(self.parts.folder("index"))

    @cached_property
    def model(self) -> Generator:
        """The fine-tuned model; loading takes some seconds."""
        from headwater.train.generate import Generator

        return Generator(self.parts.folder("base_model"), self.parts.folder("model"))

    @cached_property
    def threshold(self) -> float | None:
        """Best cosine below which a question is not covered, or None: see `answerable_threshold`."""
        embedder = self.index.about["embedder"]["fingerprint"]
        try:
            profile = self.parts.folder("profile")
        except NotReleased:
            profile = None
        return answerable_threshold(profile, self.product, embedder)

    def search(self, query: str, k: int = 5, method: str = "hybrid") -> list[Citation]:
        """The best `k` passages. `method` is dense, bm25 or hybrid. Raises `ValueError` for another one."""
        hits = self.index.search(query, k, method)
        return [self._cite(rank, hit, None) for rank, hit in enumerate(hits, 1)]

    def find(self, query: str, k: int = 5, method: str = "hybrid") -> Retrieval:
        """What `search` finds, how near it is, and whether it can answer. Raises what `search` raises."""
        found = self.index.retrieve(query, k, method)
        return self._retrieval(query, found, zip(found.hits, found.similarities, strict=True))

    def retrieve(self, question: str, *, passages: int = CONTEXT_PASSAGES) -> Retrieval:
        """The best passages for a question, one per document, and whether they can answer it."""
        found = self.index.retrieve(question, passages * 4)
        best = _one_per_document(zip(found.hits, found.similarities, strict=True), passages)
        return self._retrieval(question, found, best)

    def _retrieval(self, question: str, found: Retrieved, best: Iterable[tuple[Hit, float]]) -> Retrieval:
        return Retrieval(
            question=question,
            citations=tuple(self._cite(rank, hit, cosine) for rank, (hit, cosine) in enumerate(best, 1)),
            top_similarity=found.top_similarity,
            answerable=None if self.threshold is None else found.top_similarity >= self.threshold,
            vector=found.vector,
        )

    def ask(self, question: str, *, passages: int = CONTEXT_PASSAGES) -> Answer:
        """Answer from the best passages, one per document."""
        found = self.retrieve(question, passages=passages)
        text = self.model.generate([found.prompt], max_new_tokens=MAX_ANSWER_TOKENS)[0]
        return Answer(question, text.strip(), found.citations, self.release, self.commit)

    def share(self, other: Released) -> None:
        """Take over what `other` has loaded and what is the same here: the embedder, the language model.

        A release that brings new passages alone then costs no second model in memory.
        """
        mine, theirs = self.__dict__, other.__dict__
        if "index" in theirs and "index" not in mine:
            before: SearchIndex = theirs["index"]
            folder = self.parts.folder("index")
            if SearchIndex.open(folder).about["embedder"] == before.about["embedder"]:
                mine["index"] = SearchIndex.open(folder, before.embedder)
        if "model" in theirs and "model" not in mine and self._model_version() == other._model_version():
            mine["model"] = theirs["model"]

    def _model_version(self) -> tuple[str | None, ...]:
        return tuple(self.parts.version(asset) for asset in ("base_model", "model"))

    def _cite(self, rank: int, hit: Hit, similarity: float | None) -> Citation:
        return Citation(
            rank=rank,
            chunk_id=hit.chunk_id,
            document_id=hit.document_id,
            uri=hit.uri,
            title=hit.title,
            start=hit.start,
            end=hit.end,
            raw_digest=hit.raw_digest,
            score=hit.score,
            text=hit.text,
            commit=self.commit,
            similarity=similarity,
        )


def open_release(lake: Lake, product: str, ref: str | None = None) -> Released:
    """Open what `production` holds of a product, or what stands at `ref`.

    Raises `NotReleased` when there is no release, and `NotFound` for an unknown ref.
    """
    if ref is not None:
        commit = lake.resolve(ref)
        return Released(product, commit, "", LakeParts(lake, product, commit))
    while True:
        release = current_release(lake, product)
        if release is None:
            raise NotReleased(
                f"{product} was never released: build it (headwater build {product}), "
                "or ask what is not released with --ref main"
            )
        commit = lake.resolve(PRODUCTION)
        # Production may have moved in between: name and commit must belong together.
        if current_release(lake, product) == release:
            parts = LakeParts(lake, product, commit)
            return Released(product, commit, release.name, parts, int(release.time.timestamp()))


def _one_per_document(found: Iterable[tuple[Hit, float]], most: int) -> list[tuple[Hit, float]]:
    first: dict[str, tuple[Hit, float]] = {}
    for hit, similarity in found:
        first.setdefault(hit.document_id, (hit, similarity))
    return list(first.values())[:most]
