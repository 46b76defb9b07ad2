"""Rows of a dataset by their number over all of its parts."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from headwater.tables import open_part

Numbers = np.ndarray[Any, np.dtype[np.int64]]
Outcomes = np.ndarray[Any, np.dtype[np.int16]]
"""Of rows of bronze: -1 where every step let pass, else the number of the step that refused."""
_WRITTEN_AT_ONCE = 1 << 16
KEPT_PARTS = 2
"""Neighbouring requests meet the same one or two parts."""


class Rows:
    """Random access to Parquet parts; holds the last two parts that were asked for."""

    def __init__(self, files: Sequence[Path]) -> None:
        self.files = tuple(files)
        counts = [pq.read_metadata(path).num_rows for path in self.files]
        self.starts: Numbers = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        self._open: OrderedDict[tuple[int, tuple[str, ...]], pa.Table] = OrderedDict()

    def part_of(self, number: int) -> int:
        """The part in which a row stands."""
        return int(np.searchsorted(self.starts, number, side="right")) - 1

    def take(self, numbers: Numbers, columns: Sequence[str]) -> pa.Table:
        """These rows, in the order of `numbers`, which must not be empty."""
        order = np.argsort(numbers, kind="stable")
        ascending = numbers[order]
        pieces: list[pa.Table] = []
        start = 0
        while start < len(ascending):
            part = self.part_of(int(ascending[start]))
            end = int(np.searchsorted(ascending, self.starts[part + 1]))
            local = ascending[start:end] - self.starts[part]
            pieces.append(chosen(self._part(part, tuple(columns)), local))
            start = end
        found = pa.concat_tables(pieces)
        if np.array_equal(order, np.arange(len(order))):
            return found
        back = np.empty_like(order)
        back[order] = np.arange(len(order))
        return found.combine_chunks().take(pa.array(back))

    def _part(self, number: int, columns: tuple[str, ...]) -> pa.Table:
        key = (number, columns)
        if key not in self._open:
            while len(self._open) >= KEPT_PARTS:
                self._open.popitem(last=False)
            with open_part(self.files[number]) as file:
                self._open[key] = file.read(columns=list(columns), use_threads=False).combine_chunks()
        return self._open[key]


def chosen(table: pa.Table, ascending: Numbers) -> pa.Table:
    """Rows of a table, without a copy where they are neighbours."""
    count = len(ascending)
    if count and ascending[-1] - ascending[0] == count - 1:
        return table.slice(int(ascending[0]), count)
    return table.take(pa.array(ascending))


def merged(pieces: Sequence[tuple[Numbers, pa.Table]], schema: pa.Schema) -> pa.Table:
    """Tables whose rows belong at the given places, as one table in the order of the places."""
    present = [(places, table) for places, table in pieces if len(places)]
    if not present:
        return schema.empty_table()
    joined = pa.concat_tables([in_schema(table, schema) for _, table in present])
    order = np.argsort(np.concatenate([places for places, _ in present]), kind="stable")
    if np.array_equal(order, np.arange(len(order))):
        return joined
    return joined.combine_chunks().take(pa.array(order))


def in_schema(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The columns of `schema` in its types."""
    return table if table.schema.equals(schema) else table.select(schema.names).cast(schema)


def flat(column: pa.ChunkedArray) -> pa.Array:
    """The column as one array."""
    whole = column.combine_chunks()
    return whole if isinstance(whole, pa.Array) else pa.concat_arrays(whole.chunks)


@contextmanager
def arrow_writer(path: Path, schema: pa.Schema) -> Generator[pa.RecordBatchFileWriter]:
    """Writes an Arrow file batch by batch, to be mapped and not read."""
    # Arrow writes each buffer of a column, and its padding, by itself.
    with (
        pa.BufferedOutputStream(pa.OSFile(str(path), "wb"), _WRITTEN_AT_ONCE) as sink,
        pa.ipc.new_file(sink, schema) as writer,
    ):
        yield writer


def write_arrow(path: Path, table: pa.Table) -> None:
    """Write an Arrow file of one batch, to be mapped and not read."""
    with arrow_writer(path, table.schema) as writer:
        for batch in table.combine_chunks().to_batches():
            writer.write_batch(batch)


def map_arrow(path: Path) -> pa.Table:
    """The table of an Arrow file; its memory is that of the page cache."""
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_file(source).read_all()


class Batches:
    """Rows of an Arrow file by their number, batch by batch: to take them out of all batches at once would
    copy these first. Its memory is that of the page cache."""

    def __init__(self, path: Path) -> None:
        self._tables = [pa.Table.from_batches([batch]) for batch in map_arrow(path).to_batches()]
        self._starts: Numbers = np.cumsum([0, *map(len, self._tables)])

    def take(self, ascending: Numbers, columns: Sequence[str]) -> Iterator[tuple[slice, pa.Table]]:
        """Columns of these rows: which of them, and the table."""
        bounds = np.searchsorted(ascending, self._starts).tolist()
        for table, start, low, high in zip(
            self._tables, self._starts.tolist(), bounds[:-1], bounds[1:], strict=False
        ):
            if low < high:
                yield slice(low, high), chosen(table.select(list(columns)), ascending[low:high] - start)
