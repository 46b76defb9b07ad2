"""What became of the files of raw in bronze: each gave documents or was refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import xxhash

from headwater.curate.engine.waterfall import Flow, check
from headwater.tables import count_rows, read_batches
from headwater.workspace import CheckOutcome

Hashes = np.ndarray[Any, np.dtype[np.uint64]]


def flow_of_files(raw: Path, bronze: Path, stages: tuple[str, ...]) -> tuple[Flow, CheckOutcome]:
    """Files and their bytes; a file that gave no document counts for the step that refused it first.

    Memory: eight bytes for each file.
    """
    read = np.unique(np.concatenate([_none(), *(_files(batch) for batch in read_batches(bronze, ["uri"]))]))
    refused, steps = _refused(bronze / "quarantine", stages)
    flow = Flow(stages)
    missing = 0
    lost: dict[str, int] = {}
    for batch in read_batches(raw, ["uri", "size"]):
        files = _files(batch)
        spot = np.minimum(np.searchsorted(refused, files), max(0, len(refused) - 1))
        by_step = np.where(refused[spot] == files, steps[spot], len(stages)) if len(refused) else len(stages)
        outcome = np.where(_within(files, read), -1, by_step)
        vanished = outcome == len(stages)
        missing += int(vanished.sum())
        outcome = np.where(vanished, -1, outcome)
        flow.add(outcome, batch.column("size").to_numpy())
    rows = flow.rows()
    for row in rows:
        lost[row["step"]] = row["refused"]
    out = rows[-1]["out"] - missing
    return flow, check(rows, came_in=count_rows(raw), went_out=out, refused=lost)


def _refused(folder: Path, stages: tuple[str, ...]) -> tuple[Hashes, np.ndarray[Any, Any]]:
    """The files of a quarantine, sorted, and the number of the step that refused each first."""
    hashes, steps = [_none()], [np.zeros(0, dtype=np.int64)]
    for batch in read_batches(folder, ["uri", "step"]):
        hashes.append(_files(batch))
        steps.append(
            np.array([stages.index(step) for step in batch.column("step").to_pylist()], dtype=np.int64)
        )
    files, first = np.unique(np.concatenate(hashes), return_index=True)
    return files, np.concatenate(steps)[first]


def _files(batch: pa.RecordBatch) -> Hashes:
    return np.fromiter(_hashes(batch), dtype=np.uint64, count=len(batch))


def _hashes(batch: pa.RecordBatch) -> Iterator[int]:
    for uri in batch.column("uri").to_pylist():
        yield xxhash.xxh3_64_intdigest(uri.partition("#")[0].encode())


def _within(values: Hashes, known: Hashes) -> np.ndarray[Any, np.dtype[np.bool_]]:
    if not len(known):
        return np.zeros(len(values), dtype=bool)
    return known[np.minimum(np.searchsorted(known, values), len(known) - 1)] == values


def _none() -> Hashes:
    return np.zeros(0, dtype=np.uint64)
