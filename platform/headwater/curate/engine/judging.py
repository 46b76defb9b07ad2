"""The new rows of a group of units, judged."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from headwater.curate.dedup.sketch import sketch_schema
from headwater.curate.engine.chain import as_documents, as_refusals
from headwater.curate.engine.compute import pc
from headwater.curate.engine.job import Job
from headwater.curate.engine.keys import row_keys
from headwater.curate.engine.known import Known
from headwater.curate.engine.previous import KEPT
from headwater.curate.engine.rows import Numbers, arrow_writer, chosen, merged, write_arrow
from headwater.tables import open_part, text_bytes

ROWS, DOCUMENTS, REFUSED = "rows.arrow", "documents.arrow", "refused.arrow"
_OWN = {
    "document_id": pa.string(),
    "uri": pa.string(),
    "source": pa.string(),
    "key": pa.binary(16),
    "outcome": pa.int16(),
    "bytes_in": pa.int64(),
    "bytes_out": pa.int64(),
    "size": pa.int64(),
}
"""Of each row of bronze, beside its sketch: its id and, if it passed the steps, its uri and source; the
digest it is known by, what became of it, bytes of its text before and after the steps, and bytes of all
strings of its row in silver."""
_LEAST_ROWS = 256
"""Fewer rows than this wait for those of the next unit; so many are not worth a copy."""
Batches = Iterator[tuple[Numbers, pa.RecordBatch]]


def state_schema(job: Job) -> pa.Schema:
    """What the state knows of each row, in the types that are used in memory."""
    own = [pa.field(name, kind) for name, kind in _OWN.items()]
    sketch = sketch_schema(job.chain.dedup.permutations)
    return pa.schema([*own, *(pa.field(field.name, field.type) for field in sketch)])


def judge_group(job: Job, known: Known, first: int, stop: int) -> None:
    """Leave in the group's folder, each in the order of bronze: the state of its new rows, the documents
    that passed, the refusals. A folder that is there already is complete."""
    folder = job.group(first, stop)
    if folder.exists():
        return
    draft = folder.with_suffix(f".{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    state: list[tuple[Numbers, pa.Table]] = []
    refused: list[tuple[Numbers, pa.Table]] = []
    with arrow_writer(draft / DOCUMENTS, job.documents) as documents:
        for numbers, batch in _batches(_fresh(job, known, first, stop), job.batch_rows):
            documents.write_batch(_judge(job, numbers, batch, state, refused))
    write_arrow(draft / REFUSED, _refusals(job, refused))
    write_arrow(draft / ROWS, merged(state, state_schema(job)))
    draft.rename(folder)


def judged_again(job: Job, known: Known, rows: Numbers) -> pa.Table:
    """The documents at these rows (ascending) through the steps again, all of which passed them before."""
    units = np.unique(np.searchsorted(known.starts, rows, side="right") - 1)
    tables = ((inside, _read(job, known, int(unit), inside)) for unit in units
              for inside in [rows[np.searchsorted(rows, known.starts[unit]):
                                  np.searchsorted(rows, known.starts[unit + 1])]])  # fmt: skip
    documents = [
        as_documents(job.chain.judge(batch).documents, job.documents, frozenset(batch.schema.names))
        for _, batch in _batches(tables, job.batch_rows)
    ]
    return pa.Table.from_batches(documents, schema=job.documents)


def _judge(
    job: Job,
    numbers: Numbers,
    batch: pa.RecordBatch,
    state: list[tuple[Numbers, pa.Table]],
    refused: list[tuple[Numbers, pa.Table]],
) -> pa.RecordBatch:
    """The documents that passed; state and refusals are appended."""
    schema = state_schema(job)
    bytes_in = _bytes_in(job, batch)
    keys = row_keys(batch)
    judged = job.chain.judge(batch)
    passed = as_documents(judged.documents, job.documents, frozenset(batch.schema.names))
    spots = pa.array(judged.passed)
    own = {
        **{name: batch.column(name).take(spots) for name in ("document_id", "uri", "source")},
        "key": keys.take(spots),
        "outcome": pa.array(np.full(len(spots), KEPT), pa.int16()),
        "bytes_in": bytes_in.take(spots),
        "bytes_out": pc.binary_length(passed.column("text")).cast(pa.int64()),
        "size": pa.array(text_bytes(passed)),
    }
    sketch = job.chain.dedup.sketch(judged.documents)
    whole = own | {name: sketch.column(name) for name in sketch.schema.names}
    state.append((numbers[judged.passed], pa.table(whole, schema=schema)))
    for step, (rows, found) in judged.refused.items():
        spots = pa.array(rows)
        own = {
            "document_id": batch.column("document_id").take(spots),
            "key": keys.take(spots),
            "outcome": pa.array(np.full(len(spots), step), pa.int16()),
            "bytes_in": bytes_in.take(spots),
        }
        blank = {name: pa.nulls(len(spots), schema.field(name).type) for name in schema.names}
        zero = {name: pa.array(np.zeros(len(spots), np.int64)) for name in ("bytes_out", "size")}
        state.append((numbers[rows], pa.table(blank | zero | own, schema=schema)))
        kept = pa.table(found).select([*batch.schema.names, "refused_reason", "refused_detail"])
        name = pa.repeat(pa.scalar(job.chain.steps[step].name), len(spots))
        refused.append((numbers[rows], kept.append_column("step", name)))
    return passed


def _bytes_in(job: Job, batch: pa.RecordBatch) -> pa.Array:
    """Bytes of each text as it came, with what `repeated` steps removed from it."""
    size = pc.binary_length(batch.column("text")).cast(pa.int64())
    for step in job.chain.repeated:
        # A text of which nothing was left is still there.
        removed = pc.if_else(batch.column(step.gone_column), 0, batch.column(step.removed_column))
        size = pc.add(size, removed)
    return size


def _refusals(job: Job, refused: list[tuple[Numbers, pa.Table]]) -> pa.Table:
    """Rows of the quarantine in the order of bronze. The texts, which they hold the beginning of, are not put
    in order before."""
    if not refused:
        return job.refusals.empty_table()
    rows = pa.concat_tables([table for _, table in refused]).combine_chunks()
    made = as_refusals(rows, rows["step"].combine_chunks(), job.chain.redactors, job.refusals)
    return merged([(np.concatenate([numbers for numbers, _ in refused]), made)], job.refusals)


def _fresh(job: Job, known: Known, first: int, stop: int) -> Iterator[tuple[Numbers, pa.Table]]:
    for unit in range(first, stop):
        fresh = known.fresh(unit)
        if len(fresh):
            yield fresh, _read(job, known, unit, fresh)


def _read(job: Job, known: Known, unit: int, rows: Numbers) -> pa.Table:
    path: Path = job.units[unit]
    with open_part(path) as file:
        return chosen(file.read(use_threads=False), rows - known.starts[unit])


def _batches(tables: Iterator[tuple[Numbers, pa.Table]], size: int) -> Batches:
    """The rows of these tables with their numbers, in batches of at most `size` rows."""
    waiting: list[tuple[Numbers, pa.Table]] = []
    count = 0
    for numbers, table in tables:
        waiting.append((numbers, table))
        count += len(numbers)
        if count >= min(size, _LEAST_ROWS):
            yield from _cut(waiting, size)
            waiting, count = [], 0
    if waiting:
        yield from _cut(waiting, size)


def _cut(pieces: list[tuple[Numbers, pa.Table]], size: int) -> Batches:
    numbers = np.concatenate([piece for piece, _ in pieces])
    whole = pa.concat_tables([table for _, table in pieces]).combine_chunks()
    start = 0
    for batch in whole.to_batches(max_chunksize=size):
        yield numbers[start : start + len(batch)], batch
        start += len(batch)
