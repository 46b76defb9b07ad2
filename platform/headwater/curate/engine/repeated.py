"""Text that several documents share, removed before any step sees them.

A `repeated` step needs the whole corpus and so cannot work batch by batch. Each one copies the parts of
bronze into scratch without the text that it removes; the chain then judges the last copy as if it were
bronze. A row whose text stayed keeps its key, so an edit elsewhere costs only the rows that lose or regain
text.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from headwater.curate.c4 import digests_after
from headwater.curate.dedup.find_repeated import find_repeated
from headwater.curate.dedup.repeated import GONE, RemoveRepeated
from headwater.curate.dedup.repeated_runs import OBSERVED
from headwater.curate.dedup.repeated_table import RepeatedTable
from headwater.curate.engine.compute import pc
from headwater.curate.engine.job import Job
from headwater.curate.engine.rows import Numbers, Rows
from headwater.curate.step import REASON, with_columns
from headwater.workspace import Progress

_READ = ["text", "source"]
_BATCH_ROWS = 1024


def remove_repeated(job: Job, threads: int, progress: Progress) -> None:
    """Write what the chain reads instead of bronze, in threads: the kernels run without the global lock.

    What an earlier attempt of this build finished is taken over.
    """
    numbers = range(len(job.units))
    with ThreadPoolExecutor(threads) as pool:
        for stage, step in enumerate(job.chain.repeated):
            observed = pool.map(partial(observe_part, job, stage), numbers)
            _watch(observed, len(numbers), progress, f"silver: parts searched for {step.unit}s")
            find_table(job, stage)
            removed = pool.map(partial(remove_from_part, job, stage), numbers)
            _watch(removed, len(numbers), progress, f"silver: parts without repeated {step.unit}s")


def observe_part(job: Job, stage: int, number: int) -> None:
    """Leave the runs of a part's documents in scratch."""
    step, path = job.chain.repeated[stage], job.repeated_runs(stage, number)
    if path.exists():
        return
    draft = _draft(path)
    with pa.OSFile(str(draft), "wb") as sink, pa.ipc.new_file(sink, OBSERVED) as writer:
        for batch in _batches(job.inputs(stage)[number]):
            writer.write_batch(step.observe(_without_refused(batch)))
    draft.rename(path)


def find_table(job: Job, stage: int) -> None:
    """Count the runs of all parts and leave the table of those that are repeated."""
    folder = job.repeated_table(stage)
    if folder.exists():
        return
    inputs = Rows(job.inputs(stage))

    def observed() -> Iterator[pa.RecordBatch]:
        for number in range(len(inputs.files)):
            with pa.memory_map(str(job.repeated_runs(stage, number))) as source:
                reader = pa.ipc.open_file(source)
                yield from map(reader.get_batch, range(reader.num_record_batches))

    def documents(numbers: Numbers) -> Iterator[pa.RecordBatch]:
        for start in range(0, len(numbers), _BATCH_ROWS):
            found = inputs.take(numbers[start : start + _BATCH_ROWS], _READ).combine_chunks()
            yield from found.to_batches()

    table = find_repeated(job.chain.repeated[stage], observed(), documents=documents, scratch=job.folder)
    draft = _draft(folder)
    table.save(draft)
    draft.rename(folder)


def remove_from_part(job: Job, stage: int, number: int) -> None:
    """Copy a part without its repeated text; what that did stands in two further columns."""
    step, path = job.chain.repeated[stage], job.inputs(stage + 1)[number]
    if path.exists():
        return
    table = RepeatedTable.load(job.repeated_table(stage))
    inputs = Rows(job.inputs(stage))
    place = int(inputs.starts[number])
    draft = _draft(path)
    with pq.ParquetFile(inputs.files[number]) as file:
        empty = pa.RecordBatch.from_pylist([], file.schema_arrow)
        nothing = _left(step, empty, np.zeros(0, dtype=np.int64), table)
        with pq.ParquetWriter(draft, nothing.schema, compression="lz4") as writer:
            for batch in file.iter_batches(batch_size=_BATCH_ROWS):
                numbers = np.arange(place, place + len(batch), dtype=np.int64)
                writer.write_batch(_left(step, batch, numbers, table))
                place += len(batch)
    draft.rename(path)


def _left(
    step: RemoveRepeated, batch: pa.RecordBatch, numbers: Numbers, table: RepeatedTable
) -> pa.RecordBatch:
    applied = step.apply(_without_refused(batch), numbers, table)
    gone = applied.column(REASON).is_valid()
    removed = applied.column("repeated_bytes")
    before = batch.column("text")
    changed = pc.and_(pc.greater(removed, 0), pc.invert(gone))
    texts = pc.if_else(changed, applied.column("text"), before)
    return with_columns(
        batch,
        text=texts,
        text_digest=digests_after(changed, texts, batch.column("text_digest")),
        **{step.removed_column: removed, step.gone_column: gone},
    )


def _without_refused(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch in which a document that an earlier stage refused has no text to share."""
    gone: pa.Array | None = None
    for name in batch.schema.names:
        if name.startswith(GONE):
            column = batch.column(name)
            gone = column if gone is None else pc.or_(gone, column)
    if gone is None:
        return batch
    return with_columns(batch, text=pc.if_else(gone, "", batch.column("text")))


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(path) as file:
        names = [name for name in file.schema_arrow.names if name in _READ or name.startswith(GONE)]
        yield from file.iter_batches(batch_size=_BATCH_ROWS, columns=names)


def _watch(done: Iterator[None], total: int, progress: Progress, what: str) -> None:
    for count, _ in enumerate(done):
        progress(what, count + 1, total)


def _draft(path: Path) -> Path:
    """Where to write what is renamed to `path` when it is whole; nothing stands there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)
    return draft
