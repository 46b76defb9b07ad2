"""The parts of silver: which documents make each, and writing one of them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from headwater.curate.engine.compute import pc
from headwater.curate.engine.job import Job
from headwater.curate.engine.previous import Previous
from headwater.curate.engine.rows import Numbers, map_arrow, write_arrow
from headwater.curate.engine.units import Mask, Units
from headwater.tables import PartCutter, part_path, write_part

CLUSTERS = "clusters.arrow"
_UNIT, _ROW = "plan-unit.npy", "plan-row.npy"


def plan_parts(job: Job, units: Units, dropped: Mask) -> list[tuple[int, int]]:
    """Decide on the parts, as ranges of kept documents; writes where each document stands."""
    cutter = PartCutter()
    ends: list[int] = []
    where: list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]] = []
    first = count = 0
    for unit in units:
        rows = unit.passed[~dropped[first : first + len(unit.passed)]]
        first += len(unit.passed)
        sizes = unit.rows["size"].to_numpy()[rows]
        marks = unit.rows["boundary"].to_numpy()[rows]
        ends += [count + end for end in cutter.ends(marks, sizes)]
        where.append((np.full(len(rows), unit.number, dtype=np.int32), rows.astype(np.int32)))
        count += len(rows)
    np.save(job.folder / _UNIT, np.concatenate([unit for unit, _ in where]))
    np.save(job.folder / _ROW, np.concatenate([row for _, row in where]))
    if not ends or ends[-1] < count:
        ends.append(count)
    return list(zip([0, *ends[:-1]], ends, strict=True))


def save_clusters(job: Job, kept: Numbers, ids: pa.Array) -> None:
    """Write the ids of dropped documents, each with the number of the document that is kept for it."""
    table = pa.table({"kept": pa.array(kept), "id": ids}).sort_by(
        [("kept", "ascending"), ("id", "ascending")]
    )
    numbers = table["kept"].to_numpy()
    starts = np.flatnonzero(np.r_[True, numbers[1:] != numbers[:-1]][: len(numbers)])
    offsets = np.append(starts, len(numbers)).astype(np.int32)
    lists = pa.ListArray.from_arrays(pa.array(offsets), table["id"].combine_chunks())
    write_arrow(job.folder / CLUSTERS, pa.table({"kept": pa.array(numbers[starts]), "ids": lists}))


def write_output(job: Job, units: Units, previous: Previous | None, part: int, begin: int, end: int) -> None:
    """Write one part of silver, or copy it from the last version if every row of it is as it was."""
    numbers = np.load(job.folder / _UNIT, mmap_mode="r")[begin:end]
    rows = np.load(job.folder / _ROW, mmap_mode="r")[begin:end].astype(np.int64)
    duplicates = _duplicates(job, begin, end)
    if previous is not None:
        same = _same_part(units, previous, numbers, rows, duplicates)
        if same is not None:
            shutil.copyfile(same, part_path(job.out, part))
            return
    pieces = [
        units.unit(int(number)).documents(rows[numbers == number], job.documents.names)
        for number in np.unique(numbers)
    ]
    documents = pa.concat_tables(pieces) if pieces else job.documents.empty_table()
    whole = documents.append_column("duplicates", duplicates).select(job.silver.names).cast(job.silver)
    write_part(job.out, part, whole)


def _same_part(
    units: Units, previous: Previous, numbers: np.ndarray[Any, Any], rows: Numbers, duplicates: pa.Array
) -> Path | None:
    if not len(rows):
        return None
    known = np.concatenate([units.unit(int(one)).known[rows[numbers == one]] for one in np.unique(numbers)])
    if known.min() < 0 or not previous.kept(known).all():
        return None
    places = previous.places(known)
    starts = previous.silver.starts
    part = previous.silver.part_of(int(places[0]))
    expected = np.arange(starts[part], starts[part + 1])
    if not np.array_equal(places, expected):
        return None
    file = previous.silver.files[part]
    stored = pq.read_table(file, columns=["duplicates"])["duplicates"].combine_chunks()
    return file if stored.cast(duplicates.type).equals(duplicates) else None


def _duplicates(job: Job, begin: int, end: int) -> pa.Array:
    """The column `duplicates` of the kept documents with these numbers."""
    clusters = map_arrow(job.folder / CLUSTERS)
    kept = clusters["kept"].to_numpy()
    low, high = np.searchsorted(kept, [begin, end])
    lists = clusters["ids"].slice(low, high - low).combine_chunks()
    lengths = np.zeros(end - begin, dtype=np.int32)
    lengths[kept[low:high] - begin] = pc.list_value_length(lists).to_numpy(zero_copy_only=False)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    kind = job.silver.field("duplicates").type
    return pa.ListArray.from_arrays(pa.array(offsets), lists.flatten(), type=kind)
