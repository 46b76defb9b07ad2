"""Exact and near duplicates over a whole corpus."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from headwater.curate.dedup.corpus import Corpus, CorpusWriter
from headwater.curate.dedup.known import PAIRS, KnownPairs
from headwater.curate.dedup.settings import EXACT, NEAR, Deduplicate

if TYPE_CHECKING:
    from headwater.curate.dedup.similarity import Similarities, Texts

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
    `firsts`, shape (pairs, 2): the first document with each text of a pair.
    `estimated` and `compared`: how many pairs of signatures and of shingle sets were compared to find them.
    """

    dropped: pa.Table
    pairs: pa.Table
    firsts: np.ndarray[Any, np.dtype[np.int64]]
    estimated: int
    compared: int

    def __len__(self) -> int:
        return self.dropped.num_rows


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
    each with its text, in the same order; it is called at most three times, and only for documents of pairs
    that `known` does not hold. What is known makes no difference to the result, nor does the order of the
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
        if not settings.near:
            parents = np.arange(len(corpus.first), dtype=np.int32)
            none = np.zeros((0, 2), dtype=np.int64)
            return Duplicates(_dropped(settings, corpus, parents, None), PAIRS.empty_table(), none, 0, 0)
        return _near(settings, corpus, texts, known, scratch / "dedup" / "shingles", tell)


def _near(
    settings: Deduplicate,
    corpus: Corpus,
    texts: Texts,
    known: KnownPairs,
    path: Path,
    tell: Progress,
) -> Duplicates:
    # Exact duplicates alone need no compiled kernels, which take longer to load than these to be found.
    from headwater.curate.dedup.buckets import Twice, buckets
    from headwater.curate.dedup.similarity import Similarities

    similarities = Similarities(settings, corpus, texts, known, path)
    tell("duplicates: texts", 0, settings.bands)
    twice = Twice(lambda band: buckets(settings, corpus, band), settings.bands)
    similarities.load_unknown(twice)
    parents = similarities.clusters(twice, lambda band: tell("duplicates: bands", band, settings.bands))
    dropped = _dropped(settings, corpus, parents, similarities)
    pairs, firsts = similarities.asked()
    return Duplicates(dropped, pairs, firsts, similarities.estimated, similarities.compared)


def _dropped(
    settings: Deduplicate, corpus: Corpus, parents: np.ndarray[Any, Any], similarities: Similarities | None
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
    if similarities is not None:
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
