"""Writing the state: what the next build need not find out again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor

import numpy as np
import pyarrow as pa

from headwater.curate.engine.carry import write_carried
from headwater.curate.engine.dropped import Dropped
from headwater.curate.engine.job import Job
from headwater.curate.engine.previous import BRONZE_FILE, STATE
from headwater.curate.engine.rows import Numbers
from headwater.curate.engine.units import Units
from headwater.schemas import STATE as STATE_DATASET
from headwater.tables import write_json

LONGER = 16
"""Rows of the state are short, and each build reads all of them: fewer files than for what people read."""


def final_outcomes(job: Job, units: Units, dropped: Dropped) -> Numbers:
    """What became of each row of bronze, duplicates included."""
    outcome = units.outcome.astype(np.int64)
    outcome[dropped.rows] = len(job.chain.steps)
    return outcome


def write_state(
    job: Job,
    units: Units,
    digests: Sequence[str],
    dropped: Dropped,
    outcome: Numbers,
    beside: Executor | None,
) -> None:
    """One row for each row of bronze, whose parts have these digests; `beside` is that of `PartWriter`."""
    schema = STATE_DATASET.arrow

    def rows(begin: int, end: int) -> Iterator[pa.RecordBatch]:
        for where, found in units.between(begin, end):
            columns = {name: found[name] for name in found.schema.names}
            columns["outcome"] = pa.array(outcome[where])
            columns["cause"] = _causes(dropped, where)
            yield from (
                pa.table([columns[name] for name in schema.names], schema.names).cast(schema).to_batches()
            )

    previous = units.previous
    write_carried(
        job.out / STATE,
        schema,
        STATE_DATASET.key,
        _same_rows(units, dropped, outcome),
        previous.state if previous is not None else None,
        rows,
        longer=LONGER,
        beside=beside,
    )
    counts = np.diff(units.known.starts).tolist()
    seen = [list(part) for part in zip(digests, counts, strict=True)]
    write_json(job.out / STATE / BRONZE_FILE, seen)


def _causes(dropped: Dropped, where: slice) -> pa.Array:
    """The causes of these rows, null for those that are no duplicates."""
    low, high = np.searchsorted(dropped.rows, [where.start, where.stop])
    which = np.full(where.stop - where.start, -1, dtype=np.int64)
    which[dropped.rows[low:high] - where.start] = np.arange(low, high)
    return dropped.cause.take(pa.array(which, mask=which < 0))


def _same_rows(units: Units, dropped: Dropped, outcome: Numbers) -> Numbers:
    """Of each row the equal one of the last state, or -1."""
    same = units.known.rows.copy()
    previous = units.previous
    if previous is None:
        return same
    known = np.flatnonzero(same >= 0)
    same[known[previous.outcomes(same[known]) != outcome[known]]] = -1
    same[dropped.changed] = -1
    return same
