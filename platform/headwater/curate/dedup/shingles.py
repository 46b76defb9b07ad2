"""Shingles of Arrow string columns, their MinHash signatures, and a file of those that are compared."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from rensa import RMinHash  # pyright: ignore[reportAttributeAccessIssue]

from headwater.curate.dedup.corpus import mapped
from headwater.curate.dedup.letters import letters
from headwater.curate.kernels.buffers import Offsets, TextBuffers
from headwater.curate.kernels.shingles import Hashes, shingle_hashes

SIGNATURE_SEED = 42
Signatures = np.ndarray[Any, np.dtype[np.uint32]]
_BATCH_CHARACTERS = 4 << 20


def shingles(column: pa.Array, size: int) -> tuple[Hashes, Offsets]:
    """Hashes of all runs of `size` words of each text, in reading order, and where each text's begin and end.

    Letter case is ignored. A shorter text is one shingle of all its words; a text without words has none.
    """
    texts = TextBuffers.of(column)
    hashes = np.empty(int(texts.sizes.sum()) // 2 + 2 * len(texts) + 1, dtype=np.uint64)
    ends = np.empty(len(texts) + 1, dtype=np.int64)
    count = shingle_hashes(texts.data, texts.offsets, letters(), size, hashes, ends)
    return hashes[:count], ends


def signatures(hashes: Hashes, ends: Offsets, permutations: int) -> Signatures:
    """MinHash signatures, shape (texts, permutations); every text must have a shingle."""
    count = len(ends) - 1
    if not count:
        return np.empty((0, permutations), dtype=np.uint32)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(
        hashes, ends.tolist(), permutations, SIGNATURE_SEED
    )
    return np.frombuffer(b"".join(array("I", row) for row in matrix.to_rows()), dtype=np.uint32).reshape(
        count, permutations
    )


def shingle_sets(column: pa.Array, size: int) -> tuple[Hashes, Offsets]:
    """As `shingles`, sorted and without repetitions."""
    hashes, ends = shingles(column, size)
    for begin, end in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True):
        hashes[begin:end].sort()
    fresh = np.ones(len(hashes), dtype=np.bool_)
    fresh[1:] = hashes[1:] != hashes[:-1]
    begins = ends[:-1]
    fresh[begins[begins < len(hashes)]] = True
    counted = np.zeros(len(hashes) + 1, dtype=np.int64)
    np.cumsum(fresh, out=counted[1:])
    return hashes[fresh], counted[ends]


class ShingleFile:
    """The shingle sets of the documents that are compared, in a file that is mapped into memory."""

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self._size = size
        self._path.write_bytes(b"")
        self._ends = [np.zeros(1, dtype=np.int64)]

    def extend(self, texts: Iterable[str]) -> None:
        """Append the sets of these texts."""
        waiting: list[str] = []
        characters = 0
        for text in texts:
            waiting.append(text)
            characters += len(text)
            if characters >= _BATCH_CHARACTERS:
                self._write(waiting)
                waiting, characters = [], 0
        if waiting:
            self._write(waiting)

    def _write(self, texts: list[str]) -> None:
        hashes, ends = shingle_sets(pa.array(texts, pa.large_string()), self._size)
        with self._path.open("ab") as stream:
            stream.write(hashes.data)
        self._ends.append(self._ends[-1][-1] + ends[1:])

    def read(self) -> tuple[Hashes, Offsets]:
        """All sets so far one after the other, and where each begins and ends."""
        self._ends = [np.concatenate(self._ends)]
        return mapped(self._path, np.dtype(np.uint64)), self._ends[0]
