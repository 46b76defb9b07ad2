"""The exact similarity of pairs: known from an earlier build, or taken from the texts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa

from headwater.curate.dedup.corpus import Corpus, Int64s
from headwater.curate.dedup.known import PAIRS, KnownPairs, pair_keys
from headwater.curate.dedup.settings import Deduplicate
from headwater.curate.dedup.shingles import ShingleFile
from headwater.curate.kernels.dedup_pairs import (
    Flags,
    Keys,
    Numbers,
    Values,
    compare,
    enlarged,
    fill,
    flatten,
    mark_unknown,
    missing,
    settle,
)

Texts = Callable[[Int64s], Iterable[tuple[int, str]]]
_FEWEST_PLACES = 1024
GUESSED = 2
"""Signatures that agree so many standard deviations better than those of a pair at the threshold mostly
belong to a pair above it. A wrong guess costs another look at the buckets."""
_HALF = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)


class Similarities:
    """Answers how similar two contents are and remembers what was asked."""

    def __init__(
        self, settings: Deduplicate, corpus: Corpus, texts: Texts, known: KnownPairs, path: Path
    ) -> None:
        self._settings = settings
        self._corpus = corpus
        self._texts = texts
        self._file = ShingleFile(path, settings.shingle_words)
        self._slots: Numbers = np.full(len(corpus.first), -1, dtype=np.int32)
        self._filled = 0
        self._held = 0
        self._keys: Keys = np.zeros(_FEWEST_PLACES, dtype=np.uint64)
        self._similarity: Values = np.zeros(_FEWEST_PLACES, dtype=np.float64)
        self._asked = np.zeros(_FEWEST_PLACES, dtype=np.uint8)
        self.estimated = 0
        self.compared = 0
        keys, values = known.numbered(corpus)
        self._reserve(len(keys))
        fill(keys, values, self._keys, self._similarity)
        self._held = int(np.count_nonzero(self._keys))

    def _reserve(self, further: int) -> None:
        places = 1 << (4 * (self._held + further)).bit_length()
        if places > 2 * len(self._keys):
            self._keys, self._similarity, self._asked = enlarged(
                self._keys, self._similarity, self._asked, places
            )

    @property
    def _least(self) -> int:
        """Signatures of a pair at the threshold agree in fewer places only once in 30,000 cases: their
        agreement is binomial, and this is four standard deviations under its mean."""
        return self._agreement(-4)

    def _agreement(self, deviations: int) -> int:
        threshold, permutations = self._settings.threshold, self._settings.permutations
        margin = deviations * (threshold * (1 - threshold) / permutations) ** 0.5
        return int(np.ceil((threshold + margin) * permutations))

    def load_unknown(self, buckets: Iterable[tuple[Numbers, Int64s]]) -> None:
        """Fetch the texts of the unknown pairs that `clusters` on the same buckets will probably ask for."""
        count = len(self._slots)
        parents = np.arange(count, dtype=np.int32)
        wanted = np.zeros(count, dtype=np.uint8)
        for members, starts in buckets:
            self.estimated += mark_unknown(
                members,
                starts,
                self._settings.max_compared,
                self._corpus.first,
                self._corpus.signatures,
                self._least,
                self._agreement(GUESSED),
                self._settings.threshold,
                self._keys,
                self._similarity,
                parents,
                wanted,
            )
        self._load(np.flatnonzero(wanted))

    def clusters(self, buckets: Iterable[tuple[Numbers, Int64s]], tell: Callable[[int], None]) -> Numbers:
        """The representative of each content, once those in the same bucket that are similar enough are one
        cluster; `tell` is told of each band. Texts that turn out to be lacking are fetched, and the buckets
        gone through again, once at most."""
        while True:
            parents = np.arange(len(self._slots), dtype=np.int32)
            lacking = np.zeros(len(self._slots), dtype=np.uint8)
            for band, (members, starts) in enumerate(buckets):
                tell(band)
                self._join(members, starts, parents, lacking)
            if not lacking.any():
                flatten(parents)
                return parents
            self._asked[:] = 0
            self._load(np.flatnonzero(lacking))

    def _load(self, contents: Int64s) -> None:
        contents = contents[self._slots[contents] < 0]
        contents = contents[np.argsort(self._corpus.first[contents])]
        documents = self._corpus.first[contents]
        self._file.extend(text for _, text in self._in_order(documents))
        self._slots[contents] = np.arange(self._filled, self._filled + len(contents))
        self._filled += len(contents)

    def _in_order(self, documents: Int64s) -> Iterable[tuple[int, str]]:
        if not len(documents):
            return
        for wanted, (number, text) in zip(documents.tolist(), self._texts(documents), strict=True):
            if number != wanted:
                raise ValueError(f"the text of document {number} came where that of {wanted} was expected")
            yield number, text

    def _join(self, members: Numbers, starts: Int64s, parents: Numbers, lacking: Flags) -> None:
        shingles, ends = self._file.read()
        self._keys, self._similarity, self._asked, self._held, compared = settle(
            members,
            starts,
            self._settings.max_compared,
            self._corpus.first,
            self._corpus.signatures,
            self._least,
            self._settings.threshold,
            self._keys,
            self._similarity,
            self._asked,
            self._held,
            parents,
            self._slots,
            shingles,
            ends,
            lacking,
        )
        self.compared += compared

    def of(self, left: Numbers, right: Numbers) -> Values:
        """The similarity of each pair of contents."""
        keys, which = np.unique(pair_keys(left, right), return_inverse=True)
        unknown = np.zeros(len(keys), dtype=np.uint8)
        missing(keys, self._keys, unknown)
        self._load(_contents(keys[unknown > 0]))
        self._reserve(int(unknown.sum()))
        shingles, ends = self._file.read()
        values = np.empty(len(keys), dtype=np.float64)
        self.compared += compare(
            keys, self._keys, self._similarity, self._asked, self._slots, shingles, ends, values
        )
        self._held = int(np.count_nonzero(self._keys))
        return values[which]

    def asked(self) -> tuple[pa.Table, Int64s]:
        """Every pair that was asked for, sorted by the digests, and the first documents with their texts."""
        places = np.flatnonzero(self._asked)
        places = places[np.argsort(self._keys[places])]
        keys = self._keys[places]
        left, right = (keys >> _HALF).astype(np.int32), (keys & _LOW).astype(np.int32)
        names = [self._corpus.names(left), self._corpus.names(right)]
        pairs = pa.Table.from_arrays([*names, pa.array(self._similarity[places])], schema=PAIRS)
        return pairs, np.stack((self._corpus.first[left], self._corpus.first[right]), axis=1)


def _contents(keys: Keys) -> Int64s:
    return np.unique(np.concatenate((keys >> _HALF, keys & _LOW)).astype(np.int64))
