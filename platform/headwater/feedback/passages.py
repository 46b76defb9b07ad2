"""Which of the passages that a response was given supports an answer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from headwater.feedback.votes import plain
from headwater.tables import read_rows

_COLUMNS = ("chunk_id", "document_id", "uri", "embedded_text")


@dataclass(frozen=True)
class Passage:
    """A passage, with the words of its title, section and text."""

    chunk_id: str
    document_id: str
    uri: str
    words: frozenset[str]


@dataclass(frozen=True)
class Support:
    """The passage that uses most of an answer's words, and the share that it uses."""

    passage: Passage
    share: float


def read_passages(chunks: Path, wanted: Collection[str]) -> Mapping[str, Passage]:
    """The passages with these ids; those that stand in the product no more are left out."""
    return {
        row["chunk_id"]: Passage(
            row["chunk_id"], row["document_id"], row["uri"], frozenset(plain(row["embedded_text"]).split())
        )
        for row in read_rows(chunks, _COLUMNS)
        if row["chunk_id"] in wanted
    }


def best_support(answer: str, passages: Sequence[Passage]) -> Support | None:
    """The best of `passages`; of equal ones the first. None without passages, or words to look for."""
    words = set(plain(answer).split())
    if not words or not passages:
        return None
    shares = [len(words & passage.words) / len(words) for passage in passages]
    best = max(range(len(shares)), key=lambda place: (shares[place], -place))
    return Support(passages[best], shares[best])
