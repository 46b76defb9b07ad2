"""Short texts that are nearly the same: groups of them, and the nearest of a fixed list. Needs numba."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from headwater.curate.dedup.corpus import Int64s
from headwater.curate.dedup.find import find_duplicates
from headwater.curate.dedup.settings import Deduplicate
from headwater.curate.dedup.shingles import shingle_sets
from headwater.curate.dedup.similarity import KnownPairs

_BATCH = 4096


def groups(texts: Sequence[str], similarity: float, scratch: Path) -> list[int]:
    """For each text the number of the first text of its group.

    Two texts are in one group if their sets of words have at least this Jaccard similarity, or through
    others. Found by MinHash with 32 bands of 4, which misses a pair of similarity 0.7 once in 6,000.
    """
    settings = Deduplicate(
        threshold=similarity, shingle_words=1, permutations=128, bands=32, max_compared=256, keep="oldest"
    )

    def texts_of(numbers: Int64s) -> Iterable[tuple[int, str]]:
        for number in numbers.tolist():
            yield int(number), texts[int(number)]

    starts = range(0, len(texts), _BATCH)
    batches = [pa.RecordBatch.from_pydict({"text": pa.array(texts[at : at + _BATCH])}) for at in starts]
    found = find_duplicates(
        settings,
        (settings.sketch(batch) for batch in batches),
        (np.zeros(len(batch), dtype=np.int32) for batch in batches),
        texts=texts_of,
        known=KnownPairs.none(),
        scratch=scratch,
    ).dropped
    first = list(range(len(texts)))
    for index, kept in zip(found["index"].to_pylist(), found["kept"].to_pylist(), strict=True):
        first[index] = kept
    return first


@dataclass(frozen=True)
class Match:
    """The nearest text of a list: its place there, and how near."""

    place: int
    similarity: float


class Nearest:
    """A list of texts in which the nearest to another is looked up, exactly, whatever the length of the list.

    Near is the greater of the Jaccard similarity of the two sets of words, and the share of the listed text's
    pairs of neighbouring words that the other text has: a listed text inside a longer one is found as well.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._count = len(texts)
        self._words, self._pairs = _Postings(texts, 1), _Postings(texts, 2)

    def matches(self, texts: Sequence[str]) -> list[Match | None]:
        """The nearest of each text; None for one that shares no word with any."""
        if not self._count or not texts:
            return [None] * len(texts)
        found: list[Match | None] = []
        words, pairs = shingle_sets(pa.array(texts), 1), shingle_sets(pa.array(texts), 2)
        for number in range(len(texts)):
            own, shared = self._words.shared(words, number)
            jaccard = shared / np.maximum(1, self._words.sizes + own - shared)
            _, inside = self._pairs.shared(pairs, number)
            contained = np.where(self._pairs.sizes > 1, inside / np.maximum(1, self._pairs.sizes), 0.0)
            near = np.maximum(jaccard, contained)
            best = int(near.argmax())
            found.append(Match(best, float(near[best])) if near[best] > 0 else None)
        return found


class _Postings:
    """Which texts have a shingle."""

    def __init__(self, texts: Sequence[str], size: int) -> None:
        hashes, ends = shingle_sets(pa.array(texts, pa.string()), size)
        self.sizes: Any = np.diff(ends)
        owners = np.repeat(np.arange(len(texts)), self.sizes)
        order = np.argsort(hashes, kind="stable")
        self._hashes, self._owners = hashes[order], owners[order]

    def shared(self, sets: tuple[Any, Any], number: int) -> tuple[int, Any]:
        """How many shingles text `number` of `sets` has, and how many of them each of the texts has."""
        hashes, ends = sets
        own = hashes[ends[number] : ends[number + 1]]
        begins = np.searchsorted(self._hashes, own, side="left")
        limits = np.searchsorted(self._hashes, own, side="right")
        hits = [self._owners[begin:end] for begin, end in zip(begins.tolist(), limits.tolist(), strict=True)]
        together = np.concatenate(hits) if hits else np.zeros(0, dtype=np.int64)
        return len(own), np.bincount(together, minlength=len(self.sizes))
