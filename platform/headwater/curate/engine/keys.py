"""Digests of parts and rows of bronze, by which they are known again without being read or looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
import xxhash

from headwater.curate.engine.compute import pc
from headwater.curate.engine.rows import Numbers, flat

KEY_BYTES = 16
_PIECE_BYTES = 256 << 10
Halves = np.ndarray[Any, np.dtype[np.uint64]]


def part_key(path: Path) -> str:
    """XXH3-128 of a file, which takes a fifth of the time of SHA-256, read piece by piece into one buffer:
    with new memory for each of 1 MiB it took twice as long."""
    found = xxhash.xxh3_128()
    buffer = memoryview(bytearray(_PIECE_BYTES))
    with path.open("rb", buffering=0) as stream:
        while count := stream.readinto(buffer):
            found.update(buffer[:count])
    return found.hexdigest()


def row_keys(rows: pa.Table | pa.RecordBatch) -> pa.Array:
    """XXH3-128 of every column but the text, for which its digest stands."""
    pieces: list[Any] = []
    for name in rows.schema.names:
        if name == "text":
            continue
        values = rows[name] if rows[name].type.equals(pa.string()) else rows[name].cast(pa.string())
        values = values.fill_null("") if values.null_count else values
        # With its length before it, a value cannot run into the next.
        pieces += [pc.binary_length(values).cast(pa.string()), values]
    joined = pc.binary_join_element_wise(*pieces, pa.scalar(":"))
    values = flat(joined) if isinstance(joined, pa.ChunkedArray) else joined
    digests = b"".join(map(xxhash.xxh3_128_digest, values.cast(pa.binary()).to_pylist()))
    return pa.Array.from_buffers(pa.binary(KEY_BYTES), len(rows), [None, pa.py_buffer(digests)])


def halves(keys: pa.Array) -> tuple[Halves, Halves]:
    """The keys as two columns of 64-bit numbers."""
    packed = keys.cast(pa.binary(KEY_BYTES)) if keys.type != pa.binary(KEY_BYTES) else keys
    data = np.frombuffer(packed.buffers()[1] or b"", dtype="<u8")
    pairs = data[packed.offset * 2 : (packed.offset + len(packed)) * 2].reshape(-1, 2)
    return pairs[:, 0].copy(), pairs[:, 1].copy()


class KeyIndex:
    """Finds keys among known ones, in three sorted columns."""

    def __init__(self, high: Halves, low: Halves, row: Numbers) -> None:
        self._high, self._low, self._row = high, low, row

    @classmethod
    def of(cls, keys: pa.Array, rows: Numbers | None = None) -> Self:
        """An index that answers with places in `keys`; with `rows`, over these places alone."""
        high, low = halves(keys)
        chosen = np.arange(len(high)) if rows is None else rows
        chosen = chosen[np.argsort(high[chosen], kind="stable")]
        return cls(high[chosen], low[chosen], chosen)

    def find(self, keys: pa.Array) -> Numbers:
        """The row of each key, -1 where it is not known."""
        high, low = halves(keys)
        if not len(self._high):
            return np.full(len(high), -1, dtype=np.int64)
        spot = np.minimum(np.searchsorted(self._high, high), len(self._high) - 1)
        same = (self._high[spot] == high) & (self._low[spot] == low)
        return np.where(same, self._row[spot], -1).astype(np.int64)
