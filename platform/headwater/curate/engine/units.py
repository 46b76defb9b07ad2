"""All rows of bronze after they were judged."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from headwater.curate.engine.compute import pc
from headwater.curate.engine.documents import Documents
from headwater.curate.engine.groups import Group
from headwater.curate.engine.job import Job
from headwater.curate.engine.judging import ROWS, state_schema
from headwater.curate.engine.known import Known
from headwater.curate.engine.previous import KEPT, Previous
from headwater.curate.engine.remembered import Remembered
from headwater.curate.engine.rows import Numbers, Outcomes, flat, map_arrow, merged
from headwater.tables import boundaries

_ARRAYS = ("outcome", "bytes_in", "bytes_out", "size")
Mask = np.ndarray[Any, np.dtype[np.bool_]]


class Units:
    """Arrays over all rows of bronze, about 50 bytes for each, and the state and identity of a unit's rows.

    `outcome` as the steps left it, `bytes_in`, `bytes_out` and `size` as in the state, `rank` of the source,
    `boundary`: whether a part of silver may end after the row. `passed` has the rows that every step let
    pass: what `find_duplicates` calls document `i` is the document at `passed[i]`. All but `known` and
    `starts` are there once `read` has come to its end.
    """

    def __init__(self, job: Job, known: Known, previous: Previous | None, groups: Sequence[Group]) -> None:
        self.known, self.previous = known, previous
        self.count = len(job.units)
        self._job, self._groups = job, groups
        self._map = lru_cache(1)(map_arrow)
        self._firsts = [group.first for group in groups]
        self._schema = state_schema(job)
        self._states = Remembered(self._state)
        rows = len(known.rows)
        self.outcome: Outcomes = np.empty(rows, dtype=np.int16)
        self.bytes_in, self.bytes_out, self.size = (np.empty(rows, dtype=np.int64) for _ in range(3))
        self.rank = np.empty(rows, dtype=np.int32)
        self.boundary: Mask = np.empty(rows, dtype=np.bool_)

    def read(self) -> Iterator[tuple[slice, pa.Table]]:
        """For each unit its rows and their state; fills the arrays."""
        for unit in range(self.count):
            where = self.known.of_unit(unit)
            table = self.state(unit)
            for name in _ARRAYS:
                getattr(self, name)[where] = table[name].to_numpy()
            identity = self.identity(unit)
            self.rank[where] = self._job.chain.ranks(flat(identity["source"]))
            self.boundary[where] = boundaries(flat(identity["document_id"]))
            yield where, table
        self.passed: Numbers = np.flatnonzero(self.outcome == KEPT)
        self.documents = Documents(self._job, self.known, self.previous, self._groups, self.outcome)

    def state(self, unit: int) -> pa.Table:
        """The state of a unit's rows; whether a document is a duplicate is found anew in each build."""
        return self._states.get(unit)

    def _state(self, unit: int) -> pa.Table:
        rows = self.known.rows[self.known.of_unit(unit)]
        pieces = [(np.flatnonzero(rows < 0), self._judged(unit))] if (rows < 0).any() else []
        taken = np.flatnonzero(rows >= 0)
        if self.previous is not None and len(taken):
            stored = self.previous.state.take(rows[taken], self._schema.names)
            pieces.append((taken, _as_steps_left_it(stored)))
        return merged(pieces, self._schema)

    def _judged(self, unit: int) -> pa.Table:
        group = self._groups[bisect_right(self._firsts, unit) - 1]
        table = self._map(self._job.group(group.first, group.stop) / ROWS)
        before = self.known.rows[self.known.starts[group.first] : self.known.starts[unit]]
        return table.slice(int(np.count_nonzero(before < 0)), len(self.known.fresh(unit)))

    def identity(self, unit: int) -> pa.Table:
        """The columns `IDENTITY` of a unit's rows."""
        return self.known.identities.get(unit)

    def gather(self, rows: Numbers, columns: Sequence[str]) -> pa.Table:
        """Columns of the identity of these rows (ascending)."""
        pieces = [self.identity(0).select(columns).slice(0, 0)]
        for unit in np.unique(np.searchsorted(self.known.starts, rows, side="right") - 1).tolist():
            where = self.known.of_unit(unit)
            low, high = np.searchsorted(rows, [where.start, where.stop])
            spots = pa.array(rows[low:high] - where.start)
            pieces.append(self.identity(unit).select(columns).take(spots))
        return pa.concat_tables(pieces).combine_chunks()


def _as_steps_left_it(table: pa.Table) -> pa.Table:
    """State that was read, in the types used in memory; a dropped duplicate had passed the steps."""
    passed = pc.is_valid(table["content"])
    place = table.schema.get_field_index("outcome")
    outcome = pc.if_else(passed, pa.scalar(KEPT, pa.int64()), table["outcome"])
    return table.set_column(place, "outcome", outcome)
