"""Writing the quarantine: what steps refused, and duplicates, in the order of bronze."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor

import numpy as np
import pyarrow as pa

from headwater.curate.dedup.settings import Deduplicate
from headwater.curate.engine.carry import write_carried
from headwater.curate.engine.chain import refusal_table
from headwater.curate.engine.compute import pc
from headwater.curate.engine.dropped import ROWS_AT_ONCE, Dropped
from headwater.curate.engine.excerpts import EXCERPT_CHARACTERS
from headwater.curate.engine.job import Job
from headwater.curate.engine.previous import KEPT
from headwater.curate.engine.rows import Numbers, flat, merged
from headwater.curate.engine.units import Units
from headwater.schemas import QUARANTINE


def write_quarantine(
    job: Job, units: Units, dropped: Dropped, outcome: Numbers, beside: Executor | None
) -> None:
    """One row for each document that is not in silver; `outcome` says what became of each row of bronze.

    `beside` is that of `PartWriter`.
    """
    refused = np.flatnonzero(outcome != KEPT)
    same = _same_rows(units, dropped, refused)

    def batches(begin: int, end: int) -> Iterator[pa.RecordBatch]:
        for low in range(begin, end, ROWS_AT_ONCE):
            some = slice(low, min(end, low + ROWS_AT_ONCE))
            yield from _refusals(job, units, dropped, refused[some], same[some]).to_batches()

    write_carried(
        job.out / "quarantine",
        job.refusals,
        QUARANTINE.key,
        same,
        units.previous.quarantine if units.previous is not None else None,
        batches,
        beside=beside,
    )


def _refusals(job: Job, units: Units, dropped: Dropped, rows: Numbers, same: Numbers) -> pa.Table:
    """The rows of the quarantine of these rows; `same` are those of the last one that they equal, or -1."""
    passed = units.outcome[rows] == KEPT
    pieces: list[tuple[Numbers, pa.Table]] = []
    taken = np.flatnonzero(same >= 0)
    if units.previous is not None and len(taken):
        pieces.append((taken, units.previous.quarantine.take(same[taken], job.refusals.names)))
    refused = np.flatnonzero((same < 0) & ~passed)
    if len(refused):
        pieces.append((refused, units.documents.refusals(rows[refused])))
    duplicates = np.flatnonzero((same < 0) & passed)
    if len(duplicates):
        which = np.searchsorted(dropped.rows, rows[duplicates])
        pieces.append((duplicates, _duplicates(job, units, dropped, which)))
    return merged(pieces, job.refusals)


def _same_rows(units: Units, dropped: Dropped, refused: Numbers) -> Numbers:
    """Of each refused document the equal row of the last quarantine, or -1.

    A duplicate may be known and yet be the duplicate of another document now.
    """
    same = np.full(len(units.outcome), -1, dtype=np.int64)
    previous = units.previous
    if previous is not None:
        seen = refused[units.known.rows[refused] >= 0]
        there = seen[~previous.kept(units.known.rows[seen])]
        same[there] = previous.places(units.known.rows[there])
        same[dropped.changed] = -1
    return same[refused]


def _duplicates(job: Job, units: Units, dropped: Dropped, which: Numbers) -> pa.Table:
    rows = dropped.rows[which]
    return refusal_table(
        units.bronze(rows, ["uri", "source", "raw_digest", "document_id"]),
        pa.repeat(pa.scalar(Deduplicate.name, pa.string()), len(rows)),
        dropped.reason.take(pa.array(which)),
        dropped.details(which),
        _excerpts(units, rows),
        job.refusals,
    )


def _excerpts(units: Units, rows: Numbers) -> pa.Array:
    """The beginning of these documents; of those that were dropped before, as the quarantine has it."""
    known, previous = units.known.rows[rows], units.previous
    gone = known >= 0
    if previous is not None:
        gone[gone] = ~previous.kept(known[gone])
    schema = pa.schema([pa.field("excerpt", pa.string())])
    pieces: list[tuple[Numbers, pa.Table]] = []
    here = np.flatnonzero(~gone)
    if len(here):
        texts = units.documents.take(rows[here], ["text"])["text"]
        pieces.append((here, pa.table({"excerpt": pc.utf8_slice_codeunits(texts, 0, EXCERPT_CHARACTERS)})))
    there = np.flatnonzero(gone)
    if previous is not None and len(there):
        pieces.append((there, previous.quarantine.take(previous.places(known[there]), ["excerpt"])))
    return flat(merged(pieces, schema)["excerpt"])
