"""Which rows of bronze the last version judged, found without reading what did not change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from headwater.curate.engine.previous import Previous
from headwater.curate.engine.rows import Numbers
from headwater.tables import open_part

LOOKED_UP_ROWS = 4096
"""The rows of neighbouring parts are looked up together: most parts have a tenth of so many."""
_KNOWN, _STARTS = "known.npy", "starts.npy"


@dataclass(frozen=True)
class Known:
    """Rows of bronze are numbered over all units, of which each is one part of bronze.

    `starts` has the first row of each unit, and their count; `rows` of each row its row of the last state,
    -1 where it must be judged.
    """

    starts: Numbers
    rows: Numbers
    sizes: tuple[int, ...] = ()
    """Bytes in memory of each part of bronze of which rows must be judged, 0 of the others. Not saved."""

    @classmethod
    def find(cls, units: Sequence[Path], digests: Sequence[str], previous: Previous | None) -> Self:
        """Rows of a part that the last version saw as it is are known by their places; those of any other
        part by the digest of the row, for which its text need not be read."""
        seen = [previous.usable_rows(digest) if previous is not None else None for digest in digests]
        unseen = _find([path for path, same in zip(units, seen, strict=True) if same is None], previous)
        found = [next(unseen) if same is None else same for same in seen]
        starts = np.cumsum([0, *map(len, found)], dtype=np.int64)
        rows = np.concatenate([np.zeros(0, dtype=np.int64), *found])
        sizes = [_size(path) if (same < 0).any() else 0 for path, same in zip(units, found, strict=True)]
        return cls(starts, rows, tuple(sizes))

    def save(self, folder: Path) -> None:
        """Write it to a folder, from where `open` maps it."""
        np.save(folder / _KNOWN, self.rows)
        np.save(folder / _STARTS, self.starts)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """What was saved there."""
        rows, starts = (np.load(folder / name, mmap_mode="r") for name in (_KNOWN, _STARTS))
        return cls(np.asarray(starts), np.asarray(rows))

    def of_unit(self, unit: int) -> slice:
        """The rows of a unit."""
        return slice(int(self.starts[unit]), int(self.starts[unit + 1]))

    def fresh(self, unit: int) -> Numbers:
        """The rows of a unit that must be judged."""
        where = self.of_unit(unit)
        return np.flatnonzero(self.rows[where] < 0) + where.start


def _find(parts: Sequence[Path], previous: Previous | None) -> Iterator[Numbers]:
    """The last state's row for each row of these parts of bronze, part by part."""
    if previous is None:
        yield from (np.full(pq.read_metadata(path).num_rows, -1, dtype=np.int64) for path in parts)
        return
    waiting: list[pa.Table] = []
    for path in parts:
        waiting.append(without_text(path))
        if sum(map(len, waiting)) >= LOOKED_UP_ROWS or path is parts[-1]:
            stops = np.cumsum([len(table) for table in waiting])
            yield from np.split(previous.find(pa.concat_tables(waiting)), stops[:-1])
            waiting = []


def _size(path: Path) -> int:
    footer = pq.read_metadata(path)
    return sum(footer.row_group(number).total_byte_size for number in range(footer.num_row_groups))


def without_text(path: Path) -> pa.Table:
    """The columns of a part of bronze but its text."""
    with open_part(path) as file:
        names = [name for name in file.schema_arrow.names if name != "text"]
        return file.read(columns=names, use_threads=False)
