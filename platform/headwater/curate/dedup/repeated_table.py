"""The runs that stand in several documents, counted in files so that memory stays flat."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from headwater.curate.kernels.buffers import Offsets
from headwater.curate.kernels.dedup_units import Numbers
from headwater.curate.kernels.shingles import Hashes

# By the upper bits of the hash: 256 files, each sorted in memory on its own.
_PART_BITS = 8
_WAITING_RUNS = 1 << 20
_MOST_INDEX_BITS = 24


@dataclass(frozen=True)
class RepeatedTable:
    """Runs that count as repeated: hash (sorted), the first document with it, and its second hash."""

    hashes: Hashes
    first: Numbers
    checks: Hashes
    index: Offsets

    @property
    def arrays(self) -> tuple[Hashes, Offsets, int, Numbers, Hashes]:
        """What the kernels take."""
        return self.hashes, self.index, _index_shift(len(self)), self.first, self.checks

    def __len__(self) -> int:
        return len(self.hashes)

    def save(self, folder: Path) -> None:
        """Write the table to a folder, from where `load` maps it into memory."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in _COLUMNS:
            np.save(folder / f"{name}.npy", getattr(self, name))

    @classmethod
    def load(cls, folder: Path) -> RepeatedTable:
        """The table that was saved; processes that load it share the memory."""
        # Nothing is written to the arrays, but kernels are compiled for writable ones only.
        return cls.of(*(np.asarray(np.load(folder / f"{name}.npy", mmap_mode="c")) for name in _COLUMNS))

    @classmethod
    def of(cls, hashes: Hashes, first: Numbers, checks: Hashes) -> RepeatedTable:
        """The table of these columns, with its index."""
        shift = _index_shift(len(hashes))
        tops = np.arange(1 << (64 - shift), dtype=np.uint64) << np.uint64(shift)
        index = np.append(np.searchsorted(hashes, tops), len(hashes)).astype(np.int64)
        return cls(hashes, first, checks, index)


_COLUMNS = ("hashes", "first", "checks")


class RunCounter:
    """Counts in how many documents each run stands; `folder` is removed by `close`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._documents = 0
        self._runs: list[Hashes] = []
        self._owners: list[Numbers] = []
        self._waiting = 0
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)

    def append(self, observed: pa.RecordBatch) -> None:
        """Take the next documents."""
        column = observed.column("runs")
        runs = column.flatten().to_numpy()
        sizes = np.diff(column.offsets.to_numpy())
        owners = np.arange(self._documents, self._documents + len(sizes), dtype=np.int32)
        self._documents += len(sizes)
        self._runs.append(runs)
        self._owners.append(np.repeat(owners, sizes))
        self._waiting += len(runs)
        if self._waiting >= _WAITING_RUNS:
            self._spill()

    def _spill(self) -> None:
        if not self._waiting:
            return
        runs, owners = np.concatenate(self._runs), np.concatenate(self._owners)
        order = np.argsort(runs)
        runs, owners = runs[order], owners[order]
        cuts = np.searchsorted(runs, _part_starts()).tolist()
        for part, (begin, end) in enumerate(zip(cuts, [*cuts[1:], len(runs)], strict=True)):
            if begin == end:
                continue
            for name, values in (("runs", runs), ("owners", owners)):
                with self._path(name, part).open("ab") as stream:
                    stream.write(values[begin:end].data)
        self._runs, self._owners, self._waiting = [], [], 0

    def _path(self, name: str, part: int) -> Path:
        return self._folder / f"{name}-{part}"

    def repeated(self, documents: int) -> tuple[Hashes, Numbers]:
        """The runs that stand in at least so many documents, sorted, and the first document with each."""
        self._spill()
        hashes: list[Hashes] = [np.zeros(0, dtype=np.uint64)]
        firsts: list[Numbers] = [np.zeros(0, dtype=np.int32)]
        for part in range(1 << _PART_BITS):
            if not self._path("runs", part).exists():
                continue
            runs = np.fromfile(self._path("runs", part), dtype=np.uint64)
            order = np.argsort(runs)
            runs = runs[order]
            owners = np.fromfile(self._path("owners", part), dtype=np.int32)[order]
            starts = np.flatnonzero(np.concatenate((runs[:1] > 0, runs[1:] != runs[:-1])))
            if not len(starts):
                continue
            often = np.diff(np.append(starts, len(runs))) >= documents
            hashes.append(runs[starts][often])
            firsts.append(np.minimum.reduceat(owners, starts)[often])
        return np.concatenate(hashes), np.concatenate(firsts)

    def close(self) -> None:
        """Remove the files."""
        shutil.rmtree(self._folder)


def count_runs(observed: Iterable[pa.RecordBatch], documents: int, folder: Path) -> tuple[Hashes, Numbers]:
    """The runs that stand in at least `documents` documents, and the first document with each."""
    counter = RunCounter(folder)
    try:
        for batch in observed:
            counter.append(batch)
        return counter.repeated(documents)
    finally:
        counter.close()


def _index_shift(rows: int) -> int:
    """The index has about as many entries as the table has rows."""
    return 64 - min(max(rows.bit_length(), 1), _MOST_INDEX_BITS)


def _part_starts() -> np.ndarray[Any, np.dtype[np.uint64]]:
    return np.arange(1 << _PART_BITS, dtype=np.uint64) << np.uint64(64 - _PART_BITS)
