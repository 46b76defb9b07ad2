"""All units of a build after they were judged, and the text of any document in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from headwater.curate.engine.job import Job
from headwater.curate.engine.previous import KEPT, Previous
from headwater.curate.engine.rows import Numbers, chosen, map_arrow, merged
from headwater.curate.engine.unit import DOCUMENTS, REFUSED, ROWS, judged_documents

OPEN_UNITS = 4
"""What was mapped and read counts as memory of the process as long as it is open."""
Mask = np.ndarray[Any, np.dtype[np.bool_]]


class Unit:
    """One judged unit: a row for each row of its part of bronze."""

    def __init__(self, job: Job, number: int, previous: Previous | None) -> None:
        self.number = number
        self._job, self._previous = job, previous
        self._folder = job.unit(number)
        self.rows = map_arrow(self._folder / ROWS)
        self.outcome = self.rows["outcome"].to_numpy()
        self.known = self.rows["previous"].to_numpy()
        self.passed: Numbers = np.flatnonzero(self.outcome == KEPT)

    @cached_property
    def _made(self) -> pa.Table:
        return map_arrow(self._folder / DOCUMENTS)

    def documents(self, rows: Numbers, columns: Sequence[str]) -> pa.Table:
        """Columns of the documents at these rows (ascending), all of which passed the steps.

        They are where they were made: in this build, or in the last version, which may have dropped one as a
        duplicate; then it goes through the steps again.
        """
        schema = pa.schema([self._job.documents.field(name) for name in columns])
        known = self.known[rows]
        fresh = np.flatnonzero(known < 0)
        pieces: list[tuple[Numbers, pa.Table]] = []
        if len(fresh):
            made = self._made.select(list(columns))
            places = np.cumsum((self.outcome == KEPT) & (self.known < 0)) - 1
            pieces.append((fresh, chosen(made, places[rows[fresh]])))
        taken = np.flatnonzero(known >= 0)
        if self._previous is not None and len(taken):
            kept = self._previous.kept(known[taken])
            there, gone = taken[kept], taken[~kept]
            if len(there):
                places = self._previous.places(known[there])
                pieces.append((there, self._previous.silver.take(places, columns)))
            if len(gone):
                again = judged_documents(self._job, self.number, rows[gone])
                pieces.append((gone, again.select(list(columns))))
        return merged(pieces, schema)

    def refusals(self) -> tuple[Numbers, pa.Table]:
        """The rows that a step refused, and their rows of the quarantine."""
        refused = np.flatnonzero(self.outcome != KEPT)
        known = self.known[refused]
        pieces = [(np.flatnonzero(known < 0), map_arrow(self._folder / REFUSED))]
        taken = np.flatnonzero(known >= 0)
        if self._previous is not None and len(taken):
            places = self._previous.places(known[taken])
            pieces.append((taken, self._previous.quarantine.take(places, self._job.refusals.names)))
        return refused, merged(pieces, self._job.refusals)


class Units:
    """The units in their order; documents that passed the steps are numbered over all of them."""

    def __init__(self, job: Job, previous: Previous | None) -> None:
        self._job, self._previous = job, previous
        self.unit = lru_cache(OPEN_UNITS)(self._unit)

    def _unit(self, number: int) -> Unit:
        return Unit(self._job, number, self._previous)

    def __iter__(self) -> Iterator[Unit]:
        for number in range(len(self._job.units)):
            yield self.unit(number)

    def starts(self) -> Numbers:
        """Number of the first passed document of each unit, then their count; all must be judged."""
        return self._starts

    @cached_property
    def _starts(self) -> Numbers:
        return np.concatenate([[0], np.cumsum([len(unit.passed) for unit in self])]).astype(np.int64)
