"""Which contents share a band, band by band."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from headwater.curate.dedup.corpus import Corpus, Int64s
from headwater.curate.dedup.settings import Deduplicate
from headwater.curate.kernels.dedup_pairs import Keys, Numbers

# How many further bands sort a bucket that is too large to compare all: similar documents then stand near.
_FURTHER = 3


def buckets(settings: Deduplicate, corpus: Corpus) -> Iterator[tuple[Numbers, Int64s]]:
    """For each band its buckets of two or more: bucket `i` is `members[starts[i]:starts[i + 1]]`.

    Members are in the order of contents. In buckets of more than `max_compared` they are sorted by the keys
    of the next bands first.
    """
    contents = np.flatnonzero(corpus.signed).astype(np.int32)
    for band in range(settings.bands):
        keys = corpus.band(band, contents)
        order = np.argsort(keys)
        shared = _shared(keys[order])
        order = order[shared]
        order = order[np.lexsort((order, keys[order]))]
        ordered = keys[order]
        starts = (
            np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1]))) if len(ordered) else order
        )
        members = contents[order]
        starts = np.append(starts, len(members))
        yield _sorted_further(settings, corpus, band, members, starts), starts


def _shared(ordered: Keys) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whether a value stands more than once in a sorted array."""
    same = ordered[1:] == ordered[:-1]
    return np.concatenate((same, [False])) | np.concatenate(([False], same)) if len(ordered) else same


def _sorted_further(
    settings: Deduplicate, corpus: Corpus, band: int, members: Numbers, starts: Int64s
) -> Numbers:
    sizes = np.diff(starts)
    bucket = np.repeat(np.arange(len(sizes)), sizes)
    large = np.flatnonzero(sizes[bucket] > settings.max_compared)
    if not len(large):
        return members
    further = [(band + step) % settings.bands for step in range(min(_FURTHER, settings.bands - 1), 0, -1)]
    crowd = members[large]
    order = np.lexsort((crowd, *(corpus.band(one, crowd) for one in further), bucket[large]))
    members[large] = crowd[order]
    return members
