"""Word shingles and their MinHash signatures."""

from __future__ import annotations

import os
from array import array
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import xxhash

from headwater.curate.words import words

Hashes = np.ndarray[Any, np.dtype[np.uint64]]
SIGNATURE_SEED = 42
# Odd 64-bit constants from the fractional digits of the golden ratio and of the square roots of 2, 3, …
_FACTORS = np.array(
    [
        0x9E3779B97F4A7C15,
        0x6A09E667F3BCC909,
        0xBB67AE8584CAA73B,
        0x3C6EF372FE94F82B,
        0xA54FF53A5F1D36F1,
        0x510E527FADE682D1,
        0x9B05688C2B3E6C1F,
        0x1F83D9ABFB41BD6B,
    ],
    dtype=np.uint64,
)
MAX_SHINGLE_WORDS = len(_FACTORS)


def shingles(text: str, size: int) -> Hashes:
    """Sorted distinct 64-bit hashes of all runs of `size` words of `text`, letter case ignored.

    A shorter text is one shingle of all its words; a text without words has none.
    """
    tokens = words(text.casefold())
    if not tokens:
        return np.empty(0, dtype=np.uint64)
    hashes = np.array([xxhash.xxh3_64_intdigest(token.encode()) for token in tokens], dtype=np.uint64)
    width = min(size, len(tokens))
    count = len(tokens) - width + 1
    with np.errstate(over="ignore"):
        mixed = np.full(count, width, dtype=np.uint64)
        for offset in range(width):
            mixed = (mixed ^ hashes[offset : offset + count]) * _FACTORS[offset]
            mixed ^= mixed >> np.uint64(29)
    return np.unique(mixed)


def signatures(sets: Sequence[Hashes], permutations: int) -> np.ndarray[Any, np.dtype[np.uint32]]:
    """MinHash signatures (Broder, 1997), shape (len(sets), permutations); the sets must not be empty."""
    from rensa import RMinHash  # pyright: ignore[reportAttributeAccessIssue]

    offsets = np.zeros(len(sets) + 1, dtype=np.uint64)
    np.cumsum([len(one) for one in sets], out=offsets[1:])
    flat = np.concatenate(sets)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(
        flat, offsets.tolist(), permutations, SIGNATURE_SEED
    )
    return np.array(matrix.to_rows(), dtype=np.uint32).reshape(len(sets), permutations)


def jaccard(left: Hashes, right: Hashes) -> float:
    """Size of the intersection over size of the union of two sets of `shingles`."""
    common = len(np.intersect1d(left, right, assume_unique=True))
    union = len(left) + len(right) - common
    return common / union if union else 1.0


class ShingleStore:
    """The shingles of all documents, in a file: only those that are compared come back to memory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ends = array("Q", [0])

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._stream = self._path.open("w+b")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()
        self._path.unlink(missing_ok=True)

    def append(self, hashes: Hashes) -> int:
        """Store a set and return its number."""
        self._stream.write(hashes.tobytes())
        self._ends.append(self._ends[-1] + len(hashes))
        return len(self._ends) - 2

    def flush(self) -> None:
        """Make everything appended readable."""
        self._stream.flush()

    def get(self, number: int) -> Hashes:
        """The set with this number."""
        start, end = self._ends[number], self._ends[number + 1]
        data = os.pread(self._stream.fileno(), (end - start) * 8, start * 8)
        return np.frombuffer(data, dtype=np.uint64)
