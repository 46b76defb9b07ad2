"""Which rows of bronze the last version judged, found without reading what did not change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from headwater.curate.engine.previous import Previous
from headwater.curate.engine.remembered import Remembered
from headwater.curate.engine.rows import Numbers

IDENTITY = ("document_id", "uri", "source", "raw_digest")
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
    """Bytes of each part of bronze in memory."""
    identities: Remembered = field(default_factory=lambda: Remembered(_unread))
    """The columns `IDENTITY` of each unit. Neither is saved."""

    @classmethod
    def find(cls, units: Sequence[Path], digests: Sequence[str], previous: Previous | None) -> Self:
        """Rows of a part that the last version saw as it is are known by their places; those of any other
        part by the digest of the row, for which its text need not be read."""
        footers = [pq.read_metadata(path) for path in units]
        counts = [footer.num_rows for footer in footers]
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        rows = np.full(starts[-1], -1, dtype=np.int64)
        identities = Remembered(lambda unit: _columns(units[unit], IDENTITY))
        if previous is not None:
            for unit, (path, digest) in enumerate(zip(units, digests, strict=True)):
                same = previous.unit(digest)
                where = slice(starts[unit], starts[unit + 1])
                if same is not None:
                    rows[where] = previous.usable_rows(same)
                    continue
                table = without_text(path)
                identities.put(unit, table.select(IDENTITY))
                rows[where] = previous.find(table)
        return cls(starts, rows, tuple(_size(footer) for footer in footers), identities)

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
    return _columns(path, None)


def _columns(path: Path, wanted: Sequence[str] | None) -> pa.Table:
    with pq.ParquetFile(path) as file:
        names = [name for name in file.schema_arrow.names if name != "text"]
        return file.read(columns=list(wanted or names), use_threads=False)


def _unread(unit: int) -> pa.Table:
    raise LookupError(f"the part of bronze of unit {unit} is not at hand in this process")
