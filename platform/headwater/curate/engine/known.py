"""Which rows of bronze the last version judged, found without reading what did not change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from headwater.curate.engine.previous import Previous
from headwater.curate.engine.rows import Numbers

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
        found = [np.zeros(0, dtype=np.int64)]
        sizes: list[int] = []
        for path, digest in zip(units, digests, strict=True):
            same = previous.usable_rows(digest) if previous is not None else None
            if same is None or (same < 0).any():
                footer = pq.read_metadata(path)
                sizes.append(_size(footer))
                if same is None:
                    new = np.full(footer.num_rows, -1, dtype=np.int64)
                    same = new if previous is None else previous.find(without_text(path))
            else:
                sizes.append(0)
            found.append(same)
        starts = np.cumsum([len(rows) for rows in found], dtype=np.int64)
        return cls(starts, np.concatenate(found), tuple(sizes))

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


def _size(footer: pq.FileMetaData) -> int:
    return sum(footer.row_group(number).total_byte_size for number in range(footer.num_row_groups))


def without_text(path: Path) -> pa.Table:
    """The columns of a part of bronze but its text."""
    with pq.ParquetFile(path) as file:
        names = [name for name in file.schema_arrow.names if name != "text"]
        return file.read(columns=names, use_threads=False)
