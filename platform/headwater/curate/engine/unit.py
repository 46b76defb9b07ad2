"""One part of bronze: judged where that is needed, taken over where it was judged before."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from headwater.curate.dedup.sketch import sketch_schema
from headwater.curate.engine.chain import as_documents, as_refusals
from headwater.curate.engine.compute import pc
from headwater.curate.engine.job import Job
from headwater.curate.engine.keys import row_keys
from headwater.curate.engine.previous import KEPT, Previous
from headwater.curate.engine.rows import Numbers, chosen, merged, write_arrow
from headwater.tables import boundaries, text_bytes

ROWS, DOCUMENTS, REFUSED = "rows.arrow", "documents.arrow", "refused.arrow"
_OWN = {
    "key": pa.binary(16),
    "outcome": pa.int16(),
    "bytes_in": pa.int64(),
    "bytes_out": pa.int64(),
    "size": pa.int64(),
}
"""Of each row of bronze, beside its sketch: the digest it is known by, what became of it, bytes of its text
before and after the steps, and bytes of all strings of its row in silver."""
_IDENTITY = ("document_id", "uri", "source", "raw_digest")


def state_schema(job: Job) -> pa.Schema:
    """What the state knows of each row, in the types that are used in memory."""
    own = [pa.field(name, kind) for name, kind in _OWN.items()]
    sketch = sketch_schema(job.chain.dedup.permutations)
    return pa.schema([*own, *(pa.field(field.name, field.type) for field in sketch)])


def judge_unit(job: Job, previous: Previous | None, number: int) -> None:
    """Leave what is found in a unit in its folder: one row of state for each row of bronze, the documents
    that passed and are new, the refusals that are new. A folder that is there already is complete."""
    folder = job.unit(number)
    if folder.exists():
        return
    draft = folder.with_suffix(f".{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    path = job.units[number]
    light = _without_text(path)
    schema = state_schema(job)
    known: Numbers = previous.find(light) if previous else np.full(len(light), -1, dtype=np.int64)
    fresh = np.flatnonzero(known < 0)
    taken = np.flatnonzero(known >= 0)
    pieces = _judged(job, path, fresh, draft, schema)
    if previous is not None and len(taken):
        pieces.append((taken, _taken(previous, known[taken], schema)))
    state = merged(pieces, schema)
    identity = {name: light[name] for name in _IDENTITY}
    columns = {
        **identity,
        "previous": pa.array(known),
        "boundary": pa.array(boundaries(light["document_id"])),
        "rank": pa.array(job.chain.ranks(light["source"].combine_chunks())),
        **{name: state[name] for name in schema.names},
    }
    write_arrow(draft / ROWS, pa.table(columns))
    draft.rename(folder)


def judged_documents(job: Job, number: int, rows: Numbers) -> pa.Table:
    """These rows of a unit (ascending) through the steps again, for those that passed them before."""
    documents = [
        as_documents(judged.documents, job.documents, _bronze(batch))
        for _, batch in _batches(job.units[number], rows, job.batch_rows)
        for judged in [job.chain.judge(batch)]
    ]
    return pa.Table.from_batches(documents, schema=job.documents)


def _judged(
    job: Job, path: Path, fresh: Numbers, draft: Path, schema: pa.Schema
) -> list[tuple[Numbers, pa.Table]]:
    """Judge these rows of a part and write documents and refusals; returns their rows of state."""
    state: list[tuple[Numbers, pa.Table]] = []
    documents: list[pa.RecordBatch] = []
    refused: list[tuple[Numbers, pa.Table]] = []
    names = np.array([step.name for step in job.chain.steps], dtype=object)
    for numbers, batch in _batches(path, fresh, job.batch_rows):
        bronze = _bronze(batch)
        bytes_in = pc.binary_length(batch.column("text")).cast(pa.int64())
        keys = row_keys(batch)
        judged = job.chain.judge(batch)
        passed = as_documents(judged.documents, job.documents, bronze)
        documents.append(passed)
        spots = pa.array(judged.passed)
        own = {
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
                "key": keys.take(spots),
                "outcome": pa.array(np.full(len(spots), step), pa.int16()),
                "bytes_in": bytes_in.take(spots),
            }
            blank = {name: pa.nulls(len(spots), schema.field(name).type) for name in schema.names}
            zero = {name: pa.array(np.zeros(len(spots), np.int64)) for name in ("bytes_out", "size")}
            state.append((numbers[rows], pa.table(blank | zero | own, schema=schema)))
            kept = pa.table(found).select([*batch.schema.names, "refused_reason", "refused_detail"])
            step_names = pa.array(np.full(len(spots), names[step], dtype=object), pa.string())
            refused.append((numbers[rows], kept.append_column("step", step_names)))
    write_arrow(draft / DOCUMENTS, pa.Table.from_batches(documents, schema=job.documents))
    write_arrow(draft / REFUSED, _refusals(job, refused))
    return state


def _refusals(job: Job, refused: list[tuple[Numbers, pa.Table]]) -> pa.Table:
    if not refused:
        return job.refusals.empty_table()
    rows = merged(refused, refused[0][1].schema)
    return as_refusals(rows, rows["step"].combine_chunks(), job.chain.redactors, job.refusals)


def _taken(previous: Previous, rows: Numbers, schema: pa.Schema) -> pa.Table:
    """The state of rows that the last version knows; whether a document is a duplicate is found anew."""
    found = previous.state.take(rows, schema.names)
    step_or_kept = found["outcome"].to_numpy().astype(np.int16)
    passed = found["content"].is_valid().to_numpy()
    columns = {name: found[name].cast(schema.field(name).type) for name in schema.names}
    columns["outcome"] = pa.array(np.where(passed, KEPT, step_or_kept), pa.int16())
    return pa.table(columns, schema=schema)


def _batches(path: Path, rows: Numbers, size: int) -> Iterator[tuple[Numbers, pa.RecordBatch]]:
    """These rows (ascending) of a part as batches with their numbers; the text is decoded once."""
    if not len(rows):
        return
    start = 0
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=size):
            inside = rows[np.searchsorted(rows, start) : np.searchsorted(rows, start + len(batch))]
            if len(inside):
                picked = chosen(pa.Table.from_batches([batch]), inside - start).combine_chunks()
                yield inside, picked.to_batches()[0]
            start += len(batch)


def _without_text(path: Path) -> pa.Table:
    with pq.ParquetFile(path) as file:
        names = [name for name in file.schema_arrow.names if name != "text"]
        return file.read(columns=names)


def _bronze(batch: pa.RecordBatch) -> frozenset[str]:
    return frozenset(batch.schema.names)
