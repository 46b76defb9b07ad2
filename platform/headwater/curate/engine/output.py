"""The parts of silver: which documents make each, and writing one of them."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa

from headwater.curate.engine.compute import pc
from headwater.curate.engine.documents import Documents
from headwater.curate.engine.dropped import Dropped
from headwater.curate.engine.job import Job
from headwater.curate.engine.known import Known
from headwater.curate.engine.previous import Previous
from headwater.curate.engine.rows import Numbers, flat, in_schema, map_arrow, write_arrow
from headwater.curate.engine.units import Mask, Units
from headwater.tables import PartCutter, link_or_copy, open_part, part_path, write_part

CLUSTERS = "clusters.arrow"
_PLAN = "plan.npy"
MOST_LISTED = 1000
"""Ids in one cell of the column `duplicates`, the first in the order of bronze; the quarantine has all."""


def plan_parts(job: Job, units: Units, dropped: Mask) -> list[tuple[int, int]]:
    """Decide on the parts, as ranges of kept documents; writes where each document stands."""
    rows = units.passed[~dropped]
    ends = list(PartCutter().ends(units.boundary[rows], units.size[rows]))
    np.save(job.folder / _PLAN, rows)
    if not ends or ends[-1] < len(rows):
        ends.append(len(rows))
    return list(zip([0, *ends[:-1]], ends, strict=True))


def save_clusters(job: Job, units: Units, dropped: Dropped) -> None:
    """Write the ids of dropped documents by the document that is kept for them."""
    kept, rows = dropped.listed(MOST_LISTED)
    ascending, which = np.unique(rows, return_inverse=True)
    ids = flat(units.gather(ascending, ["document_id"])["document_id"]).take(pa.array(which))
    table = pa.table({"kept": pa.array(kept), "id": ids}).sort_by(
        [("kept", "ascending"), ("id", "ascending")]
    )
    numbers = table["kept"].to_numpy()
    starts = np.flatnonzero(np.r_[True, numbers[1:] != numbers[:-1]][: len(numbers)])
    offsets = np.append(starts, len(numbers)).astype(np.int32)
    lists = pa.ListArray.from_arrays(pa.array(offsets), flat(table["id"]))
    write_arrow(job.folder / CLUSTERS, pa.table({"kept": pa.array(numbers[starts]), "ids": lists}))


def write_output(
    job: Job, known: Known, documents: Documents, previous: Previous | None, part: int, begin: int, end: int
) -> None:
    """Write one part of silver, or copy it from the last version if every row of it is as it was."""
    rows = _plan(job.folder / _PLAN)[begin:end]
    duplicates = _duplicates(job, begin, end)
    if previous is not None:
        same = _same_part(known.rows[rows], previous, duplicates)
        if same is not None:
            link_or_copy(same, part_path(job.out, part))
            return
    found = documents.take(rows, job.documents.names)
    whole = in_schema(found.append_column("duplicates", duplicates).select(job.silver.names), job.silver)
    write_part(job.out, part, whole)


def _same_part(known: Numbers, previous: Previous, duplicates: pa.Array) -> Path | None:
    if not len(known) or known.min() < 0 or not previous.kept(known).all():
        return None
    places = previous.places(known)
    starts = previous.silver.starts
    part = previous.silver.part_of(int(places[0]))
    expected = np.arange(starts[part], starts[part + 1])
    if not np.array_equal(places, expected):
        return None
    file = previous.silver.files[part]
    with open_part(file) as stored:
        before = stored.read(columns=["duplicates"], use_threads=False)["duplicates"].combine_chunks()
    return file if before.cast(duplicates.type).equals(duplicates) else None


@lru_cache(1)
def _plan(path: Path) -> Numbers:
    return np.asarray(np.load(path, mmap_mode="r"))


@lru_cache(1)
def _clusters(path: Path) -> pa.Table:
    return map_arrow(path)


def _duplicates(job: Job, begin: int, end: int) -> pa.Array:
    """The column `duplicates` of the kept documents with these numbers."""
    clusters = _clusters(job.folder / CLUSTERS)
    kept = clusters["kept"].to_numpy()
    low, high = np.searchsorted(kept, [begin, end])
    lists = clusters["ids"].slice(low, high - low).combine_chunks()
    lengths = np.zeros(end - begin, dtype=np.int32)
    lengths[kept[low:high] - begin] = pc.list_value_length(lists).to_numpy(zero_copy_only=False)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    kind = job.silver.field("duplicates").type
    return pa.ListArray.from_arrays(pa.array(offsets), lists.flatten(), type=kind)
