"""Datasets on disk: folders of Parquet parts whose bytes depend on their rows alone.

Parts are cut where the content says so (a hash of the row's key), not every so many rows: a row added or
removed changes the part it falls in and leaves the others byte for byte as they were, so the lake stores
only what is new (content-defined chunking, Muthitacharoen et al., LBFS, SOSP 2001).
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xxhash

MIN_PART_ROWS = 128
MAX_PART_ROWS = 2048
MAX_PART_BYTES = 32 << 20
"""Of text; bounds the memory of a writer whose rows are whole books."""
PART_MASK = (1 << 9) - 1
BATCH_ROWS = 1024
ZSTD_LEVEL = 1
COMPRESSED_BYTES = 4 << 10
"""Below this a column of a part stays as it is: an encoder of zstd takes longer to set up than it saves."""
REPEATING_BYTES = 48
"""Values of fewer bytes on average repeat often enough for a dictionary; ids, digests and texts do not."""
COMPARED_BYTES = 256
"""Nobody looks for texts between a least and a greatest one."""
_WRITTEN_AT_ONCE = 1 << 20


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
    row whose key hashes to the boundary pattern, between 128 and 2,048 rows, or after 32 MiB of text. A
    dataset without rows is one empty part, so that its schema can be read.
    """
    writer = PartWriter(folder, schema, key=key)
    for batch in batches:
        writer.add(batch)
    return writer.close()


class PartWriter:
    """Writes a dataset batch by batch as `write_batches` does; known parts can be copied in."""

    def __init__(
        self,
        folder: Path,
        schema: pa.Schema,
        *,
        key: str,
        longer: int = 1,
        beside: Executor | None = None,
    ) -> None:
        """Parts are `longer` times as long as those of `write_batches`, a power of two.

        A thread of `beside` writes a part, one at a time, while the next one is put together; compressing
        lets go of the interpreter.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._beside = beside
        self._writing: Future[None] | None = None
        self._folder, self._schema, self._key, self._longer = folder, schema, key, longer
        self._cutter = PartCutter(longer)
        self._part: list[pa.RecordBatch] = []
        self._rows = self._parts = 0

    @property
    def between_parts(self) -> bool:
        """Whether the next row begins a part."""
        return not self._part

    def add(self, batch: pa.RecordBatch) -> None:
        """Write further rows."""
        start = 0
        for end in self._cutter.ends(boundaries(batch.column(self._key), self._longer), text_bytes(batch)):
            self._part.append(batch.slice(start, end - start))
            start = end
            self._flush()
        if start < len(batch):
            self._part.append(batch.slice(start))
        self._rows += len(batch)

    def copy(self, part: Path, rows: int) -> None:
        """Take over a whole part, between parts; the caller knows that it would be cut like this."""
        link_or_copy(part, part_path(self._folder, self._parts))
        self._parts += 1
        self._rows += rows

    def close(self) -> int:
        """Write what is left and return the number of rows."""
        if self._part or self._parts == 0:
            self._flush()
        self._wait()
        return self._rows

    def _flush(self) -> None:
        part = self._folder, self._parts, pa.Table.from_batches(self._part, schema=self._schema)
        self._part, self._parts = [], self._parts + 1
        if self._beside is None:
            write_part(*part)
            return
        self._wait()
        self._writing = self._beside.submit(write_part, *part)

    def _wait(self) -> None:
        if self._writing is not None:
            self._writing.result()


def write_part(folder: Path, number: int, rows: pa.Table) -> None:
    """Write the part with this number; equal rows give equal bytes."""
    path = part_path(folder, number)
    # What stood there may be shared with another version, see `link_or_copy`.
    path.unlink(missing_ok=True)
    write_table(path, rows)


def write_table(path: Path, rows: pa.Table) -> None:
    """Write one Parquet file; equal rows give equal bytes.

    Texts at zstd's level 1: level 3 takes 1.7 times as long for 13 % fewer bytes. Binary columns hold
    digests and signatures, in which nothing repeats.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = rows.combine_chunks()
    sizes = {
        field.name: _content_bytes(column, field.type)
        for field, column in zip(whole.schema, whole.columns, strict=True)
        if not _is_noise(field.type)
    }
    packed = [name for name, size in sizes.items() if size >= COMPRESSED_BYTES]
    # Some of these take names of columns too, which the stubs do not say.
    by_column: dict[str, Any] = {
        "compression": {name: "zstd" if name in packed else "none" for name in whole.schema.names},
        "compression_level": dict.fromkeys(packed, ZSTD_LEVEL),
        "use_dictionary": [name for name, size in sizes.items() if size < REPEATING_BYTES * len(whole)],
        "write_statistics": [name for name, size in sizes.items() if size < COMPARED_BYTES * len(whole)],
    }
    # Parquet writes each page, and its header, by itself.
    with pa.BufferedOutputStream(pa.OSFile(str(path), "wb"), _WRITTEN_AT_ONCE) as sink:
        pq.write_table(whole, sink, row_group_size=MAX_PART_ROWS, store_schema=True, **by_column)


def _is_noise(kind: pa.DataType) -> bool:
    return pa.types.is_fixed_size_binary(kind) or pa.types.is_binary(kind)


def _content_bytes(column: pa.ChunkedArray, kind: pa.DataType) -> int:
    """Bytes of the values of a column, whatever memory they stand in; 0 for lists, which stay as they are."""
    if pa.types.is_string(kind) and not column.null_count:
        return sum(_string_bytes(chunk) for chunk in column.chunks)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return pc.call_function("sum", [pc.call_function("binary_length", [column])]).as_py() or 0
    return len(column) * kind.bit_width // 8 if pa.types.is_primitive(kind) else 0


def _string_bytes(column: pa.Array) -> int:
    offsets = np.frombuffer(column.buffers()[1] or b"", dtype=np.int32)
    return int(offsets[column.offset + len(column)] - offsets[column.offset]) if len(column) else 0


def part_path(folder: Path, number: int) -> Path:
    """Where the part with this number stands."""
    return folder / f"part-{number:05d}.parquet"


def link_or_copy(origin: Path, target: Path) -> None:
    """Give a file of the last version, which nobody edits, a place in the next one."""
    target.unlink(missing_ok=True)
    try:
        os.link(origin, target)
    except FileNotFoundError:
        raise
    except OSError:
        # Another file system, or one without hard links.
        shutil.copyfile(origin, target)


class PartCutter:
    """Says after which rows a part ends; rows are shown to it in their order, batch after batch."""

    def __init__(self, longer: int = 1) -> None:
        """Parts have `longer` times as many rows; the limit on bytes stays."""
        self._least, self._most = MIN_PART_ROWS * longer, MAX_PART_ROWS * longer
        self._rows = self._bytes = 0

    def ends(self, boundary: np.ndarray[Any, Any], sizes: np.ndarray[Any, Any]) -> Iterator[int]:
        """Positions in this batch at which a part ends, each one past its last row.

        `boundary` says of each row whether its key hashes to the boundary pattern, `sizes` has its bytes.
        """
        totals = np.concatenate([[0], np.cumsum(sizes)])
        candidates = np.flatnonzero(boundary)
        start = 0
        while start < len(sizes):
            full = start + self._most - self._rows
            needed = totals[start] + MAX_PART_BYTES - self._bytes
            heavy = int(np.searchsorted(totals[start + 1 :], needed)) + start + 1
            least = start + max(0, self._least - self._rows - 1)
            later = int(np.searchsorted(candidates, least))
            marked = int(candidates[later]) + 1 if later < len(candidates) else len(sizes) + 1
            end = min(full, heavy, marked)
            if end > len(sizes):
                self._rows += len(sizes) - start
                self._bytes += int(totals[-1] - totals[start])
                return
            yield end
            self._rows = self._bytes = 0
            start = end


def boundaries(keys: pa.Array, longer: int = 1) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Of each key whether it hashes to the pattern at which a part may end; `longer` as in `PartCutter`."""
    names = pc.call_function("cast", [keys], pc.CastOptions(pa.binary())).to_pylist()
    hashes = np.fromiter(map(xxhash.xxh64_intdigest, names), dtype=np.uint64, count=len(names))
    return hashes & np.uint64((PART_MASK + 1) * longer - 1) == 0


def text_bytes(batch: pa.RecordBatch | pa.Table) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Bytes of the string columns of each row."""
    total = np.zeros(batch.num_rows, dtype=np.int64)
    for column in batch.columns:
        if pa.types.is_string(column.type):
            lengths = pc.call_function("binary_length", [column])
            lengths = lengths.fill_null(0) if column.null_count else lengths
            total += (
                lengths.to_numpy()
                if isinstance(lengths, pa.ChunkedArray)
                else lengths.to_numpy(zero_copy_only=False)
            )
    return total


def parts(folder: Path) -> list[Path]:
    """The Parquet parts of a dataset in their order. Raises `FileNotFoundError` when there are none."""
    found = sorted(folder.glob("part-*.parquet"), key=attrgetter("name"))
    if not found:
        raise FileNotFoundError(f"{folder} holds no dataset: no part-*.parquet below it")
    return found


def open_part(path: Path) -> pq.ParquetFile:
    """A Parquet file without Arrow's threads that read ahead: they cost more than a local disk does."""
    return pq.ParquetFile(path, pre_buffer=False)


def read_batches(
    folder: Path, columns: Sequence[str] | None = None, *, batch_rows: int = BATCH_ROWS
) -> Iterator[pa.RecordBatch]:
    """Stream a dataset as record batches in order; memory is bounded by `batch_rows`."""
    for path in parts(folder):
        with open_part(path) as file:
            yield from file.iter_batches(batch_size=batch_rows, columns=columns, use_threads=False)


def read_rows(folder: Path, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
    """Stream a dataset as mappings, one per row."""
    for batch in read_batches(folder, columns):
        yield from batch.to_pylist()


def read_table(folder: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """A whole dataset as one Arrow table; for datasets known to be small."""
    return pa.concat_tables(open_part(path).read(columns=columns) for path in parts(folder))


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
