"""Writing the state: what the next build need not find out again."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from headwater.curate.engine.dropped import Dropped
from headwater.curate.engine.job import Job
from headwater.curate.engine.previous import BRONZE_FILE, STATE, Previous
from headwater.curate.engine.rows import Numbers
from headwater.curate.engine.units import Units
from headwater.schemas import STATE as STATE_DATASET
from headwater.tables import part_path, write_json, write_part


def final_outcomes(job: Job, units: Units, dropped: Dropped) -> Numbers:
    """What became of each row of bronze, duplicates included."""
    outcome = units.outcome.astype(np.int64)
    outcome[dropped.rows] = len(job.chain.steps)
    return outcome


def write_state(job: Job, units: Units, digests: Sequence[str], outcome: Numbers) -> None:
    """One part for each part of bronze, which has one of `digests`, and one row for each of its rows.

    A part of bronze that is as it was, with the same outcome, has the same state.
    """
    schema = STATE_DATASET.arrow
    for unit in range(units.count):
        where = units.known.of_unit(unit)
        same = _same_part(units.previous, digests[unit], units.known.rows[where], outcome[where])
        if same is not None and units.previous is not None:
            (job.out / STATE).mkdir(parents=True, exist_ok=True)
            shutil.copyfile(units.previous.state.files[same], part_path(job.out / STATE, unit))
            continue
        found = units.state(unit)
        columns = {name: found[name] for name in found.schema.names}
        columns["outcome"] = pa.array(outcome[where])
        columns["document_id"] = units.identity(unit)["document_id"]
        table = pa.table([columns[name] for name in schema.names], names=schema.names).cast(schema)
        write_part(job.out / STATE, unit, table)
    write_json(job.out / STATE / BRONZE_FILE, list(digests))


def _same_part(previous: Previous | None, digest: str, known: Numbers, outcome: Numbers) -> int | None:
    if previous is None or (known < 0).any():
        return None
    unit = previous.unit(digest)
    return unit if unit is not None and np.array_equal(previous.outcomes(known), outcome) else None
