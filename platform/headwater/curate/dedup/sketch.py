"""What is remembered of each document to find its duplicates."""

# pyright: reportAttributeAccessIssue=false
# (pyarrow.compute makes its functions at run time)
from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from headwater.curate.dedup.settings import Deduplicate
from headwater.curate.kernels.buffers import TextBuffers
from headwater.fingerprint import canonical_json

CONTENT = pa.binary(16)


def sketch_schema(permutations: int) -> pa.Schema:
    """Columns of a sketch.

    `content`: 128-bit XXH3 of the text, seeded with `distinct`; `signature`: MinHash values as little-endian
    32-bit numbers, null where the text has no words (or near duplicates are not sought); `distinct`: 64-bit
    XXH3 of the values of `distinct_by`; `length`: characters; `time`: microseconds since 1970 of `oldest_by`,
    null where it states none.
    """
    return pa.schema(
        [
            pa.field("content", CONTENT, nullable=False),
            pa.field("signature", pa.binary(4 * permutations)),
            pa.field("distinct", pa.uint64(), nullable=False),
            pa.field("length", pa.int64(), nullable=False),
            pa.field("time", pa.int64()),
        ]
    )


def sketch(settings: Deduplicate, batch: pa.RecordBatch) -> pa.RecordBatch:
    """See `Deduplicate.sketch`."""
    column = batch.column("text")
    distinct, times = _of_attributes(settings, batch)
    return pa.RecordBatch.from_arrays(
        [
            _contents(column, distinct),
            _signatures(settings, column),
            pa.array(distinct),
            pc.cast(pc.utf8_length(column), pa.int64()),
            times,
        ],
        schema=sketch_schema(settings.permutations),
    )


def _contents(column: pa.Array, distinct: np.ndarray[Any, np.dtype[np.uint64]]) -> pa.Array:
    texts = TextBuffers.of(column)
    view = memoryview(texts.data.data)
    bounds = texts.offsets.tolist()
    digests = b"".join(
        xxhash.xxh3_128_digest(view[begin:end], seed)
        for begin, end, seed in zip(bounds[:-1], bounds[1:], distinct.tolist(), strict=True)
    )
    return pa.Array.from_buffers(CONTENT, len(column), [None, pa.py_buffer(digests)])


def _signatures(settings: Deduplicate, column: pa.Array) -> pa.Array:
    width = 4 * settings.permutations
    if not settings.near:
        return pa.nulls(len(column), pa.binary(width))
    from headwater.curate.dedup.shingles import shingles, signatures

    hashes, ends = shingles(column, settings.shingle_words)
    signed = np.diff(ends) > 0
    rows = np.zeros((len(column), settings.permutations), dtype=np.uint32)
    rows[signed] = signatures(hashes, np.concatenate(([0], ends[1:][signed])), settings.permutations)
    validity = pa.array(signed).buffers()[1]
    return pa.Array.from_buffers(pa.binary(width), len(column), [validity, pa.py_buffer(rows)])


def _of_attributes(
    settings: Deduplicate, batch: pa.RecordBatch
) -> tuple[np.ndarray[Any, np.dtype[np.uint64]], pa.Array]:
    """Hash of the distinguishing attributes, and the time, of each document."""
    names, oldest_by = settings.distinct_by, settings.oldest_by
    if not names and oldest_by is None:
        count = len(batch)
        return np.full(count, _distinct(()), dtype=np.uint64), pa.nulls(count, pa.int64())
    encoded = pc.dictionary_encode(batch.column("attributes"))
    fields = [json.loads(one) for one in encoded.dictionary.to_pylist()]
    which = encoded.indices
    distinct = np.array(
        [_distinct(tuple(one.get(name, "") for name in names)) for one in fields], dtype=np.uint64
    )
    times = pa.array([_time(one.get(oldest_by, "")) if oldest_by else None for one in fields], pa.int64())
    return distinct[which.to_numpy()], times.take(which)


@lru_cache(maxsize=4096)
def _distinct(values: tuple[str, ...]) -> int:
    return xxhash.xxh3_64_intdigest(canonical_json(list(values)).encode())


def _time(value: str) -> int | None:
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        return None
    zoned = time if time.tzinfo else time.replace(tzinfo=UTC)
    since = zoned - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
