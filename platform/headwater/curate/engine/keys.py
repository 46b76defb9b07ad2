"""Digests of bronze rows, by which they are known again without reading their text."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pyarrow as pa
import xxhash

from headwater.curate.engine.compute import pc
from headwater.curate.engine.rows import Numbers

KEY_BYTES = 16
Halves = np.ndarray[Any, np.dtype[np.uint64]]


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
    digests = b"".join(xxhash.xxh3_128_digest(value) for value in joined.cast(pa.binary()).to_pylist())
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
