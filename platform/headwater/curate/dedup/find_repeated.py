"""Finds the text that stands in several documents of a corpus."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa

from headwater.curate.dedup.corpus import Int64s
from headwater.curate.dedup.repeated import RemoveRepeated
from headwater.curate.dedup.repeated_runs import check
from headwater.curate.dedup.repeated_table import RepeatedTable, count_runs

Documents = Callable[[Int64s], Iterable[pa.RecordBatch]]


def find_repeated(
    settings: RemoveRepeated, observed: Iterable[pa.RecordBatch], *, documents: Documents, scratch: Path
) -> RepeatedTable:
    """The table for `RemoveRepeated.apply`, from what `RemoveRepeated.observe` gave for the whole corpus.

    Documents are numbered in the order of `observed`. `documents` is given the numbers, ascending, of those
    in which a repeated run first stands, and yields batches of them in that order (columns text and source).
    Everything long stands in a folder of `scratch` that is removed again; memory is one 256th of the runs (12
    bytes each) and 20 bytes for each repeated one.

    Raises `ValueError` if `documents` yields another number of documents than were asked for.
    """
    hashes, first = count_runs(observed, settings.documents, scratch / "repeated")
    checks = np.zeros(len(hashes), dtype=np.uint64)
    table = RepeatedTable.of(hashes, first, checks)
    wanted = np.unique(first).astype(np.int64)
    done = 0
    if len(wanted):
        for batch in documents(wanted):
            check(settings, batch, wanted[done : done + len(batch)], table, checks)
            done += len(batch)
    if done != len(wanted):
        raise ValueError(f"{len(wanted)} documents were asked for, {done} came")
    return table
