"""Datasets on disk: folders of Parquet parts whose bytes depend on their rows alone.

Parts are cut where the content says so (a hash of the row's key), not every so many rows: a row added or
removed changes the part it falls in and leaves the others byte for byte as they were, so the lake stores
only what is new (content-defined chunking, Muthitacharoen et al., LBFS, SOSP 2001).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xxhash

MIN_PART_ROWS = 256
MAX_PART_ROWS = 8192
MAX_PART_BYTES = 32 << 20
"""Of text; bounds the memory of a writer whose rows are whole books."""
PART_MASK = (1 << 10) - 1
BATCH_ROWS = 1024


def write_rows(folder: Path, rows: Iterable[Mapping[str, Any]], schema: pa.Schema, *, key: str) -> int:
    """Write mappings (one per row) as Parquet parts; see `write_batches`. Returns the number of rows."""

    def batches() -> Iterator[pa.RecordBatch]:
        pending: list[Mapping[str, Any]] = []
        for row in rows:
            pending.append(row)
            if len(pending) == BATCH_ROWS:
                yield pa.RecordBatch.from_pylist(pending, schema=schema)
                pending = []
        if pending:
            yield pa.RecordBatch.from_pylist(pending, schema=schema)

    return write_batches(folder, batches(), schema, key=key)


def write_batches(folder: Path, batches: Iterable[pa.RecordBatch], schema: pa.Schema, *, key: str) -> int:
    """Write record batches as `part-00000.parquet`, … below `folder` and return the number of rows.

    The order of rows is kept and must be deterministic. `key` names a string column; a part ends after a
    row whose key hashes to the boundary pattern, between 256 and 8,192 rows, or after 32 MiB of text. A
    dataset without rows is one empty part, so that its schema can be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    part: list[pa.RecordBatch] = []
    part_rows = part_bytes = rows = parts = 0

    def flush() -> None:
        nonlocal part, part_rows, part_bytes, parts
        table = pa.Table.from_batches(part, schema=schema).combine_chunks()
        pq.write_table(
            table,
            folder / f"part-{parts:05d}.parquet",
            compression="zstd",
            compression_level=3,
            row_group_size=MAX_PART_ROWS,
            write_statistics=True,
            store_schema=True,
        )
        part, part_rows, part_bytes, parts = [], 0, 0, parts + 1

    for batch in batches:
        start = 0
        keys = batch.column(key).to_pylist()
        sizes = _text_bytes(batch)
        for index, value in enumerate(keys):
            part_rows += 1
            part_bytes += sizes[index]
            boundary = part_rows >= MIN_PART_ROWS and xxhash.xxh64_intdigest(value.encode()) & PART_MASK == 0
            if boundary or part_rows == MAX_PART_ROWS or part_bytes >= MAX_PART_BYTES:
                part.append(batch.slice(start, index + 1 - start))
                start = index + 1
                flush()
        if start < len(keys):
            part.append(batch.slice(start))
        rows += len(keys)
    if part or parts == 0:
        flush()
    return rows


def _text_bytes(batch: pa.RecordBatch) -> list[int]:
    """Bytes of the string columns of each row."""
    total = np.zeros(batch.num_rows, dtype=np.int64)
    for column in batch.columns:
        if pa.types.is_string(column.type):
            total += pc.call_function("binary_length", [column]).fill_null(0).to_numpy(zero_copy_only=False)
    return total.tolist()


def parts(folder: Path) -> list[Path]:
    """The Parquet parts of a dataset in their order. Raises `FileNotFoundError` when there are none."""
    found = sorted(folder.glob("part-*.parquet"))
    if not found:
        raise FileNotFoundError(f"{folder} holds no dataset: no part-*.parquet below it")
    return found


def read_batches(
    folder: Path, columns: Sequence[str] | None = None, *, batch_rows: int = BATCH_ROWS
) -> Iterator[pa.RecordBatch]:
    """Stream a dataset as record batches in order; memory is bounded by `batch_rows`."""
    for path in parts(folder):
        with pq.ParquetFile(path) as file:
            yield from file.iter_batches(batch_size=batch_rows, columns=columns)


def read_rows(folder: Path, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
    """Stream a dataset as mappings, one per row."""
    for batch in read_batches(folder, columns):
        yield from batch.to_pylist()


def read_table(folder: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """A whole dataset as one Arrow table; for datasets known to be small."""
    return pa.concat_tables(pq.ParquetFile(path).read(columns=columns) for path in parts(folder))


def count_rows(folder: Path) -> int:
    """Number of rows, from the footers alone."""
    return sum(pq.read_metadata(path).num_rows for path in parts(folder))


def write_json(path: Path, value: Any) -> None:
    """Write JSON with sorted keys and indentation: equal values give equal bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Read a JSON file written by `write_json`."""
    return json.loads(path.read_text(encoding="utf-8"))
