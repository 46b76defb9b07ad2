"""Writing the state: what the next build need not find out again."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from headwater.curate.engine.carry import between, write_carried
from headwater.curate.engine.dropped import Dropped
from headwater.curate.engine.job import Job
from headwater.curate.engine.previous import STATE, Previous
from headwater.curate.engine.rows import Numbers
from headwater.curate.engine.units import Units
from headwater.schemas import STATE as STATE_DATASET


def write_state(job: Job, units: Units, previous: Previous | None, dropped: Dropped) -> None:
    """One row for each row of bronze, with its final outcome."""
    schema = STATE_DATASET.arrow
    firsts = units.starts()

    def outcomes(number: int) -> Numbers:
        unit = units.unit(number)
        outcome = unit.outcome.astype(np.int64)
        outcome[dropped.of_unit(int(firsts[number]), unit.passed)[0]] = len(job.chain.steps)
        return outcome

    def table(number: int) -> pa.Table:
        rows = units.unit(number).rows
        place = rows.schema.get_field_index("outcome")
        return rows.set_column(place, "outcome", pa.array(outcomes(number))).select(schema.names).cast(schema)

    counts: list[int] = []
    known = [np.zeros(0, dtype=np.int64)]
    for unit in units:
        counts.append(len(unit.known))
        same = unit.known.copy()
        if previous is not None:
            seen = np.flatnonzero(same >= 0)
            changed = previous.outcomes(same[seen]) != outcomes(unit.number)[seen]
            same[seen[changed]] = -1
        known.append(same)
    write_carried(
        job.out / STATE,
        schema,
        STATE_DATASET.key,
        np.concatenate(known),
        previous.state if previous is not None else None,
        between(counts, table),
    )
