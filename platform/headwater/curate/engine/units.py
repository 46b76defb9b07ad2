"""All rows of bronze after they were judged."""

from __future__ import annotations

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
from headwater.curate.engine.rows import Numbers, Outcomes, chosen, flat, map_arrow, merged
from headwater.tables import boundaries, open_part

BLOCK_ROWS = 4096
_ARRAYS = ("outcome", "bytes_in", "bytes_out", "size")
_TEXT = pa.schema([pa.field("text", pa.string())])
Mask = np.ndarray[Any, np.dtype[np.bool_]]


class Units:
    """Arrays over all rows of bronze, about 30 bytes for each, and the state of every 4,096 rows, a *block*.

    `outcome` as the steps left it, `bytes_in`, `bytes_out` and `size` as in the state, `boundary`: whether a
    part of silver may end after the row, if every step let it pass. `passed` has the rows that did: what
    `find_duplicates` calls document `i` is the document at `passed[i]`. All but `known` is there once `read`
    has come to its end.
    """

    def __init__(self, job: Job, known: Known, previous: Previous | None, groups: Sequence[Group]) -> None:
        self.known, self.previous = known, previous
        self._job, self._groups = job, groups
        self._map = lru_cache(1)(map_arrow)
        self._fresh: Numbers = np.concatenate([[0], np.cumsum(known.rows < 0)])
        # Most rows have no signature, and one of fixed size would take its bytes all the same.
        fields = state_schema(job)
        place = fields.get_field_index("signature")
        self._schema = fields.set(place, fields.field(place).with_type(pa.binary()))
        self._states = Remembered(self._state)
        rows = len(known.rows)
        self.outcome: Outcomes = np.empty(rows, dtype=np.int16)
        self.bytes_in, self.bytes_out, self.size = (np.empty(rows, dtype=np.int64) for _ in range(3))
        self.boundary: Mask = np.zeros(rows, dtype=np.bool_)

    def read(self) -> Iterator[pa.Table]:
        """The state of the rows that passed, block by block; fills the arrays."""
        for where, table in self.between(0, len(self.known.rows)):
            for name in _ARRAYS:
                getattr(self, name)[where] = table[name].to_numpy()
            passed = np.flatnonzero(self.outcome[where] == KEPT)
            found = chosen(table, passed)
            self.boundary[where.start + passed] = boundaries(flat(found["document_id"]))
            yield found
        self.passed: Numbers = np.flatnonzero(self.outcome == KEPT)
        self.documents = Documents(self._job, self.known, self.previous, self._groups, self.outcome)

    def between(self, begin: int, end: int) -> Iterator[tuple[slice, pa.Table]]:
        """The state of these rows; whether a document is a duplicate is found anew in each build."""
        for block in range(begin // BLOCK_ROWS, -(-end // BLOCK_ROWS)):
            start = block * BLOCK_ROWS
            low, high = max(begin, start), min(end, start + BLOCK_ROWS)
            yield slice(low, high), self._states.get(block).slice(low - start, high - low)

    def _state(self, block: int) -> pa.Table:
        start = block * BLOCK_ROWS
        rows = self.known.rows[start : start + BLOCK_ROWS]
        fresh, taken = np.flatnonzero(rows < 0), np.flatnonzero(rows >= 0)
        pieces = [(fresh, self._judged(start, start + len(rows)))] if len(fresh) else []
        if self.previous is not None and len(taken):
            stored = self.previous.state.take(rows[taken], self._schema.names)
            pieces.append((taken, _as_steps_left_it(stored)))
        return merged(pieces, self._schema)

    def _judged(self, begin: int, end: int) -> pa.Table:
        """The state of the new ones of these rows."""
        pieces: list[pa.Table] = []
        for group in self._groups:
            first, stop = (int(self.known.starts[unit]) for unit in (group.first, group.stop))
            low, high = self._fresh[max(first, begin)], self._fresh[max(first, begin, min(stop, end))]
            if low < high:
                table = self._map(self._job.group(group.first, group.stop) / ROWS)
                pieces.append(table.slice(low - self._fresh[first], high - low))
        return pa.concat_tables(pieces)

    def gather(self, rows: Numbers, columns: Sequence[str]) -> pa.Table:
        """Columns of the state of these rows (ascending)."""
        pieces = [self._schema.empty_table().select(columns)]
        for block in np.unique(rows // BLOCK_ROWS).tolist():
            start = block * BLOCK_ROWS
            low, high = np.searchsorted(rows, [start, start + BLOCK_ROWS])
            state = self._states.get(block).select(columns)
            pieces.append(chosen(state, rows[low:high] - start))
        return pa.concat_tables(pieces).combine_chunks()

    def texts(self, rows: Numbers) -> pa.Array:
        """The texts of these documents (ascending), at least one, all of which passed the steps. Most of
        dropped duplicates were kept for this; to make them again takes a whole part of bronze each."""
        places = self.stored(rows)
        pieces: list[tuple[Numbers, pa.Table]] = []
        stored, others = np.flatnonzero(places >= 0), np.flatnonzero(places < 0)
        if self.previous is not None and len(stored):
            pieces.append((stored, self.previous.duplicates.take(places[stored], ["text"])))
        if len(others):
            pieces.append((others, self.documents.take(rows[others], ["text"])))
        return flat(merged(pieces, _TEXT)["text"])

    def stored(self, rows: Numbers) -> Numbers:
        """Where the last version kept the texts of these documents (ascending), as near duplicates that it
        dropped, -1 for others."""
        places = np.full(len(rows), -1, dtype=np.int64)
        if self.previous is not None:
            known = self.known.rows[rows]
            gone = np.flatnonzero(known >= 0)
            gone = gone[~self.previous.kept(known[gone])]
            ids = flat(self.gather(rows[gone], ["document_id"])["document_id"])
            found = pc.index_in(ids, value_set=self.previous.duplicate_ids).fill_null(-1)
            places[gone] = found.to_numpy(zero_copy_only=False)
        return places

    def bronze(self, rows: Numbers, columns: Sequence[str]) -> pa.Table:
        """Columns of bronze of these rows (ascending), of which there must be one."""
        pieces: list[pa.Table] = []
        for unit in np.unique(np.searchsorted(self.known.starts, rows, side="right") - 1).tolist():
            where = self.known.of_unit(unit)
            low, high = np.searchsorted(rows, [where.start, where.stop])
            with open_part(self._job.units[unit]) as file:
                found = file.read(columns=list(columns), use_threads=False)
            pieces.append(chosen(found, rows[low:high] - where.start))
        return pa.concat_tables(pieces).combine_chunks()


def _as_steps_left_it(table: pa.Table) -> pa.Table:
    """State that was read, in the types used in memory; a dropped duplicate had passed the steps."""
    passed = pc.is_valid(table["content"])
    place = table.schema.get_field_index("outcome")
    outcome = pc.if_else(passed, pa.scalar(KEPT, pa.int64()), table["outcome"])
    return table.set_column(place, "outcome", outcome)
