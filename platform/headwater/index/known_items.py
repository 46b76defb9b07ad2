"""Known-item questions: can a passage be found again by one of its sentences?

The fallback for a product without labels, known from early retrieval tests with simulated queries (Azzopardi,
de Rijke and Balog, SIGIR 2007). A sentence that stands in several documents asks for none of them and is
left out.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import xxhash

from headwater.index.sentences import middle_sentence, sentences
from headwater.tables import read_rows

SPARE = 3
"""Candidates drawn for each question wanted, because ambiguous sentences fall out."""


@dataclass(frozen=True, order=True)
class KnownItem:
    """A sentence of a chunk. Ordered by a hash of the chunk's id: a draw without a random number."""

    draw: int
    chunk_id: str
    document_id: str
    uri: str
    attributes: str
    sentence: str


def known_items(chunks: Path, *, most: int) -> list[KnownItem]:
    """At most `most` items, ordered by uri and chunk. Reads the chunks twice; memory is bounded by `most`."""
    drawn = heapq.nsmallest(most * SPARE, _candidates(chunks))
    owners: dict[str, set[str]] = {item.sentence: set() for item in drawn}
    for row in read_rows(chunks, ["document_id", "text"]):
        for sentence in sentences(row["text"]):
            if sentence in owners and len(owners[sentence]) < 2:
                owners[sentence].add(row["document_id"])
    unique = [item for item in drawn if len(owners[item.sentence]) == 1]
    return sorted(unique[:most], key=lambda item: (item.uri, item.chunk_id))


def _candidates(chunks: Path) -> Iterator[KnownItem]:
    for row in read_rows(chunks, ["chunk_id", "document_id", "uri", "attributes", "text"]):
        sentence = middle_sentence(row["text"])
        if sentence is not None:
            yield KnownItem(
                draw=xxhash.xxh64_intdigest(row["chunk_id"].encode()),
                chunk_id=row["chunk_id"],
                document_id=row["document_id"],
                uri=row["uri"],
                attributes=row["attributes"],
                sentence=sentence,
            )
