"""A release, opened for questions: its index by memory map, its model when it is first asked.

Everything is read at one commit. An answer cites the passages that it was given: chunk, document, offsets,
the digest of the original file and the commit at which all of it can be read again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from headwater.index.search import Hit, SearchIndex
from headwater.lake.errors import LakeError, NotFound
from headwater.lake.protocol import Lake
from headwater.release import current_release
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
    """A passage that an answer was given, and where to read it again."""

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


@dataclass(frozen=True)
class Answer:
    """The model's answer with its citations. `release` is empty when a ref was asked instead."""

    question: str
    text: str
    citations: tuple[Citation, ...]
    release: str
    commit: str


@dataclass(frozen=True)
class Released:
    """A product at a commit."""

    product: str
    commit: str
    release: str
    lake: Lake = field(repr=False)

    @cached_property
    def index(self) -> SearchIndex:
        """The search index, memory-mapped."""
        return SearchIndex.open(self._folder("index"))

    @cached_property
    def model(self) -> Generator:
        """The fine-tuned model; loading takes some seconds."""
        from headwater.train.generate import Generator

        return Generator(self._folder("base_model"), self._folder("model"))

    def search(self, query: str, k: int = 5, method: str = "hybrid") -> list[Citation]:
        """The best `k` passages. `method` is dense, bm25 or hybrid. Raises `ValueError` for another one."""
        return self._cite(self.index.search(query, k, method))

    def ask(self, question: str, *, passages: int = CONTEXT_PASSAGES) -> Answer:
        """Answer from the best passages, one per document."""
        cited = self._cite(_one_per_document(self.index.search(question, passages * 4, "hybrid"), passages))
        prompt = format_prompt(question, [passage_of(item.title, item.text) for item in cited])
        text = self.model.generate([prompt], max_new_tokens=MAX_ANSWER_TOKENS)[0]
        return Answer(question, text.strip(), tuple(cited), self.release, self.commit)

    def _cite(self, hits: Sequence[Hit]) -> list[Citation]:
        return [
            Citation(
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
            )
            for rank, hit in enumerate(hits, 1)
        ]

    def _folder(self, asset: str) -> Path:
        try:
            return self.lake.fetch(self.commit, f"{self.product}/{asset}/")
        except NotFound as error:
            raise NotReleased(
                f"{self.product} has no {asset} at {self.commit}: build it (headwater build {self.product})"
            ) from error


def open_release(lake: Lake, product: str, ref: str | None = None) -> Released:
    """Open what `production` holds of a product, or what stands at `ref`.

    Raises `NotReleased` when there is no release, and `NotFound` for an unknown ref.
    """
    if ref is not None:
        return Released(product, lake.resolve(ref), "", lake)
    release = current_release(lake, product)
    if release is None:
        raise NotReleased(
            f"{product} was never released: build it (headwater build {product}), "
            "or ask what is not released with --ref main"
        )
    return Released(product, lake.resolve(PRODUCTION), release.name, lake)


def _one_per_document(hits: Sequence[Hit], most: int) -> list[Hit]:
    first: dict[str, Hit] = {}
    for hit in hits:
        first.setdefault(hit.document_id, hit)
    return list(first.values())[:most]
