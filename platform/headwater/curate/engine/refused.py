"""Writing the quarantine: what steps refused, and duplicates, in the order of bronze."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from headwater.curate.dedup.find import describe
from headwater.curate.dedup.settings import Deduplicate
from headwater.curate.engine.carry import between, write_carried
from headwater.curate.engine.chain import refusal_table
from headwater.curate.engine.compute import pc
from headwater.curate.engine.dropped import Dropped
from headwater.curate.engine.excerpts import EXCERPT_CHARACTERS
from headwater.curate.engine.job import Job
from headwater.curate.engine.previous import KEPT, Previous
from headwater.curate.engine.rows import Numbers, flat, merged
from headwater.curate.engine.units import Unit, Units
from headwater.schemas import QUARANTINE


def write_quarantine(job: Job, units: Units, previous: Previous | None, dropped: Dropped) -> None:
    """One row for each document that is not in silver."""
    firsts = units.starts()

    def table(number: int) -> pa.Table:
        unit = units.unit(number)
        rows, which = dropped.of_unit(int(firsts[number]), unit.passed)
        pieces = [unit.refusals()]
        if len(rows):
            pieces.append((rows, _duplicates(job, unit, previous, dropped, rows, which)))
        return merged(pieces, job.refusals)

    counts: list[int] = []
    known = [np.zeros(0, dtype=np.int64)]
    for unit in units:
        rows, which = dropped.of_unit(int(firsts[unit.number]), unit.passed)
        same = _same_rows(unit, previous, dropped, rows, which)
        counts.append(len(same))
        known.append(same)
    write_carried(
        job.out / "quarantine",
        job.refusals,
        QUARANTINE.key,
        np.concatenate(known),
        previous.quarantine if previous is not None else None,
        between(counts, table),
    )


def _same_rows(
    unit: Unit, previous: Previous | None, dropped: Dropped, rows: Numbers, which: slice
) -> Numbers:
    """Of each refused document of a unit, the equal row of the last quarantine, or -1.

    `rows` are its duplicates: they may be known and yet be duplicates of another document now.
    """
    refused = unit.outcome != KEPT
    refused[rows] = True
    same = np.full(len(refused), -1, dtype=np.int64)
    if previous is not None:
        seen = np.flatnonzero(refused & (unit.known >= 0))
        there = seen[~previous.kept(unit.known[seen])]
        same[there] = previous.places(unit.known[there])
        again = np.flatnonzero(same[rows] >= 0)
        if len(again):
            stored = previous.quarantine.take(same[rows[again]], ["reason", "detail"])
            now = pa.table(
                {
                    "reason": dropped.reason[which.start : which.stop],
                    "detail": _details(dropped, which),
                }
            ).take(pa.array(again))
            equal = pc.and_(*(pc.equal(stored[name], now[name]) for name in ("reason", "detail")))
            same[rows[again[~flat(equal).to_numpy(zero_copy_only=False)]]] = -1
    return same[refused]


def _details(dropped: Dropped, which: slice) -> pa.Array:
    details = [
        f"kept {uri}; {describe(similarity, linked)}"
        for uri, similarity, linked in zip(
            dropped.kept_uri[which.start : which.stop].to_pylist(),
            dropped.similarity[which],
            dropped.linked[which],
            strict=True,
        )
    ]
    return pa.array(details, pa.string())


def _duplicates(
    job: Job, unit: Unit, previous: Previous | None, dropped: Dropped, rows: Numbers, which: slice
) -> pa.Table:
    return refusal_table(
        unit.rows.select(["uri", "source", "raw_digest", "document_id"]).take(pa.array(rows)),
        pa.repeat(pa.scalar(Deduplicate.name, pa.string()), len(rows)),
        dropped.reason[which.start : which.stop],
        _details(dropped, which),
        _excerpts(unit, previous, rows),
        job.refusals,
    )


def _excerpts(unit: Unit, previous: Previous | None, rows: Numbers) -> pa.Array:
    """The beginning of these documents; of those that were dropped before, as the quarantine has it."""
    known = unit.known[rows]
    gone = known >= 0
    if previous is not None:
        gone[gone] = ~previous.kept(known[gone])
    schema = pa.schema([pa.field("excerpt", pa.string())])
    pieces: list[tuple[Numbers, pa.Table]] = []
    here = np.flatnonzero(~gone)
    if len(here):
        texts = unit.documents(rows[here], ["text"])["text"]
        pieces.append((here, pa.table({"excerpt": pc.utf8_slice_codeunits(texts, 0, EXCERPT_CHARACTERS)})))
    there = np.flatnonzero(gone)
    if previous is not None and len(there):
        pieces.append((there, previous.quarantine.take(previous.places(known[there]), ["excerpt"])))
    return flat(merged(pieces, schema)["excerpt"])
