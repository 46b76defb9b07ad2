"""The texts of dropped near duplicates, kept from build to build.

A new document that resembles one is compared with its text, which silver does not have. To make it again from
bronze, a part is decoded whole for one text.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from headwater.curate.dedup.settings import NEAR
from headwater.curate.engine.carry import write_carried
from headwater.curate.engine.compute import pc
from headwater.curate.engine.dropped import TEXT_ROWS, Dropped
from headwater.curate.engine.job import Job
from headwater.curate.engine.previous import DUPLICATES
from headwater.curate.engine.units import Units


def write_duplicates(job: Job, units: Units, dropped: Dropped, schema: pa.Schema) -> None:
    """One row for each near duplicate, in the order of bronze. Of exact ones the text stands in silver."""
    near = pc.equal(dropped.reason, NEAR).to_numpy(zero_copy_only=False)
    rows = dropped.rows[near]

    def batches(begin: int, end: int) -> Iterator[pa.RecordBatch]:
        for low in range(begin, end, TEXT_ROWS):
            some = rows[low : min(end, low + TEXT_ROWS)]
            ids = units.gather(some, ["document_id"])["document_id"]
            yield from pa.table([ids, pa.chunked_array([units.texts(some)])], schema=schema).to_batches()

    write_carried(
        job.out / DUPLICATES,
        schema,
        "document_id",
        units.stored(rows),
        units.previous.duplicates if units.previous is not None else None,
        batches,
    )
