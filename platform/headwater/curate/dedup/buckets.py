"""Which contents share a band, band by band."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from headwater.curate.dedup.corpus import Corpus, Int64s
from headwater.curate.dedup.settings import Deduplicate
from headwater.curate.kernels.dedup_pairs import Keys, Numbers

# How many further bands sort a bucket that is too large to compare all: similar documents then stand near.
_FURTHER = 3
KEPT_MEMBERS = 1 << 21
"""So many members of buckets, 8 bytes each at most, stay in memory between two passes over the bands."""


Buckets = tuple[Numbers, Int64s]


class Twice:
    """The buckets of all bands, to be gone through more than once: what is small is found once."""

    def __init__(self, find: Callable[[int], Buckets], bands: int) -> None:
        self._find, self._bands = find, bands
        self._kept: dict[int, Buckets] = {}
        self._members = 0

    def __iter__(self) -> Iterator[Buckets]:
        for band in range(self._bands):
            found = self._kept.get(band) or self._find(band)
            if band not in self._kept and self._members + len(found[0]) <= KEPT_MEMBERS:
                self._kept[band] = found
                self._members += len(found[0])
            yield found


def buckets(settings: Deduplicate, corpus: Corpus, band: int) -> Buckets:
    """The buckets of two or more of a band: bucket `i` is `members[starts[i]:starts[i + 1]]`.

    Members are in the order of contents. In buckets of more than `max_compared` they are sorted by the keys
    of the next bands first.
    """
    contents = np.flatnonzero(corpus.signed).astype(np.int32)
    keys = corpus.band(band, contents)
    order = np.argsort(keys)
    shared = _shared(keys[order])
    order = order[shared]
    order = order[np.lexsort((order, keys[order]))]
    ordered = keys[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1]))) if len(ordered) else order
    members = contents[order]
    starts = np.append(starts, len(members))
    return _sorted_further(settings, corpus, band, members, starts), starts


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
