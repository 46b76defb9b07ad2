"""Writing a dataset of which whole parts are as they were in the last version: their files are taken over."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from pathlib import Path

import numpy as np
import pyarrow as pa

from headwater.curate.engine.rows import Numbers, Rows
from headwater.tables import PartWriter

Between = Callable[[int, int], Iterator[pa.RecordBatch]]
"""The rows of a range, as batches."""


def write_carried(
    folder: Path,
    schema: pa.Schema,
    key: str,
    known: Numbers,
    last: Rows | None,
    rows: Between,
    *,
    longer: int = 1,
    beside: Executor | None = None,
) -> None:
    """Write a dataset as `PartWriter` does, to which `longer` and `beside` go. `known` has the row of `last`
    that each row equals, -1 for none; `rows` is asked only for those that are not taken over."""
    whole = {} if last is None else _whole_parts(known, last.starts)
    stops = [*sorted(whole), len(known)]
    writer = PartWriter(folder, schema, key=key, longer=longer, beside=beside)
    at = 0
    while at < len(known):
        part = whole.get(at)
        if last is not None and part is not None and writer.between_parts:
            size = int(last.starts[part + 1] - last.starts[part])
            writer.copy(last.files[part], size)
            at += size
            continue
        stop = stops[bisect_right(stops, at)]
        for batch in rows(at, stop):
            writer.add(batch)
        at = stop
    writer.close()


def _whole_parts(known: Numbers, starts: Numbers) -> dict[int, int]:
    """Where a whole part of the last version stands again: number of its first row -> part.

    The last part ended with its data and not with a mark: with rows behind it, it would go on.
    """
    where = np.full(int(starts[-1]), -1, dtype=np.int64)
    taken = np.flatnonzero(known >= 0)
    where[known[taken]] = taken
    found: dict[int, int] = {}
    for part in range(len(starts) - 1):
        begin, end = int(starts[part]), int(starts[part + 1])
        at = int(where[begin]) if begin < end else -1
        if at < 0 or not np.array_equal(where[begin:end], np.arange(at, at + end - begin)):
            continue
        if part < len(starts) - 2 or at + end - begin == len(known):
            found[at] = part
    return found
