"""Exact and near duplicates over a whole corpus."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from headwater.curate.dedup.buckets import buckets
from headwater.curate.dedup.corpus import Corpus, CorpusWriter
from headwater.curate.dedup.settings import EXACT, NEAR, Deduplicate
from headwater.curate.dedup.similarity import PAIRS, KnownPairs, Similarities, Texts
from headwater.curate.kernels.dedup_pairs import flatten

DROPPED = pa.schema(
    [
        pa.field("index", pa.int64(), nullable=False),
        pa.field("kept", pa.int64(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("similarity", pa.float64(), nullable=False),
        pa.field("linked", pa.bool_(), nullable=False),
    ]
)
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Duplicates:
    """What `find_duplicates` found.

    `dropped` (`DROPPED`), sorted by `index`: each dropped document, the one `kept` for it, the reason, the
    Jaccard similarity of the two, and whether they are `linked`: in one cluster through other documents
    while their own similarity is below the threshold.
    `pairs`: the similarities that this corpus needs, sorted: the next build's `known`.
    `estimated` and `compared`: how many pairs of signatures and of shingle sets were compared to find them.
    """

    dropped: pa.Table
    pairs: pa.Table
    estimated: int
    compared: int

    def __len__(self) -> int:
        return self.dropped.num_rows


def describe(similarity: float, linked: bool) -> str:
    """A dropped document's similarity in words."""
    through = " (linked through others of the cluster)" if linked else ""
    return f"similarity {similarity:.3f}{through}"


def find_duplicates(
    settings: Deduplicate,
    sketches: Iterable[pa.RecordBatch],
    ranks: Iterable[np.ndarray[Any, Any]],
    *,
    texts: Texts,
    known: KnownPairs,
    scratch: Path,
    progress: Progress | None = None,
) -> Duplicates:
    """The documents to drop; documents are numbered in the order of `sketches`.

    `ranks` has as many batches as `sketches`. `texts` is given document numbers in ascending order and yields
    each with its text, in the same order; it is called at most twice, and only for documents of pairs that
    `known` does not hold. What is known makes no difference to the result, nor does the order of the
    documents or the size of the batches but for which of equally good documents is kept. Everything long
    stands in a folder of `scratch` that is removed again; memory is 90 to 150 bytes for each document, the
    latter where all share a band, and 40 for each pair in `pairs`.

    Raises `ValueError` if sketches and ranks do not fit together or `texts` yields others than were asked.
    """
    tell = progress or _silent
    with CorpusWriter(settings, scratch / "dedup") as writer:
        for batch, some in zip(sketches, ranks, strict=True):
            writer.append(batch, some)
        corpus = writer.corpus()
        parents = np.arange(len(corpus.first), dtype=np.int32)
        similarities = Similarities(settings, corpus, texts, known, scratch / "dedup" / "shingles")
        if settings.near:
            tell("duplicates: texts", 0, settings.bands)
            similarities.load_unknown(buckets(settings, corpus))
            for band, (members, starts) in enumerate(buckets(settings, corpus)):
                tell("duplicates: bands", band, settings.bands)
                similarities.join(members, starts, parents)
            flatten(parents)
        dropped = _dropped(settings, corpus, parents, similarities)
        pairs = similarities.asked() if settings.near else PAIRS.empty_table()
        return Duplicates(dropped, pairs, similarities.estimated, similarities.compared)


def _dropped(
    settings: Deduplicate, corpus: Corpus, parents: np.ndarray[Any, Any], similarities: Similarities
) -> pa.Table:
    clusters = parents[corpus.content_of]
    best = np.empty(len(corpus.first), dtype=np.int64)
    worst_first = corpus.preference[::-1]
    best[clusters[worst_first]] = worst_first
    kept = best[clusters]
    index = np.flatnonzero(kept != np.arange(len(kept)))
    if not settings.exact:
        index = index[corpus.signed[corpus.content_of[index]] & settings.near]
    kept = kept[index]
    left, right = corpus.content_of[index], corpus.content_of[kept]
    similarity = np.ones(len(index))
    different = np.flatnonzero(left != right)
    similarity[different] = similarities.of(left[different], right[different])
    exact = (left == right) & settings.exact
    reasons = pa.array([NEAR, EXACT]).take(pa.array(exact.astype(np.int8)))
    return pa.Table.from_arrays(
        [
            pa.array(index),
            pa.array(kept),
            reasons,
            pa.array(similarity),
            pa.array(similarity < settings.threshold),
        ],
        schema=DROPPED,
    )


def _silent(_label: str, _done: int, _total: int) -> None:
    """No one watches."""
