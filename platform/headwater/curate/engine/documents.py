"""Where each document stands: made in this build, in the last version, or to be made again."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa

from headwater.curate.engine.groups import Group
from headwater.curate.engine.job import Job
from headwater.curate.engine.judging import DOCUMENTS, REFUSED, judged_again
from headwater.curate.engine.known import Known
from headwater.curate.engine.previous import KEPT, Previous
from headwater.curate.engine.rows import Batches, Numbers, Outcomes, merged

OPEN_GROUPS = 2
"""What was mapped and read counts as memory of the process as long as it is open."""
_OUTCOME = "outcome.npy"


class Documents:
    """Documents and refusals by their row of bronze; all groups must be judged."""

    def __init__(
        self, job: Job, known: Known, previous: Previous | None, groups: Sequence[Group], outcome: Outcomes
    ) -> None:
        """`outcome` of each row as the steps left it."""
        self._job, self._known, self._previous = job, known, previous
        self._groups = groups
        self._firsts = [int(known.starts[group.first]) for group in groups]
        fresh = known.rows < 0
        self._passed: Numbers = np.concatenate([[0], np.cumsum(fresh & (outcome == KEPT))])
        self._refused: Numbers = np.concatenate([[0], np.cumsum(fresh & (outcome != KEPT))])
        self._map = lru_cache(OPEN_GROUPS)(Batches)

    @staticmethod
    def save(folder: Path, outcome: Outcomes) -> None:
        """Write the outcomes to a folder for `outcomes`."""
        np.save(folder / _OUTCOME, outcome)

    @staticmethod
    def outcomes(folder: Path) -> Outcomes:
        """The outcomes that were saved there."""
        return np.asarray(np.load(folder / _OUTCOME, mmap_mode="r"))

    def take(self, rows: Numbers, columns: Sequence[str]) -> pa.Table:
        """Columns of the documents at these rows (ascending), all of which passed the steps.

        The last version may have dropped one as a duplicate: it goes through the steps again.
        """
        schema = pa.schema([self._job.documents.field(name) for name in columns])
        known = self._known.rows[rows]
        pieces = self._made(rows, known, DOCUMENTS, self._passed, columns)
        taken = np.flatnonzero(known >= 0)
        if self._previous is not None and len(taken):
            kept = self._previous.kept(known[taken])
            there, gone = taken[kept], taken[~kept]
            if len(there):
                places = self._previous.places(known[there])
                pieces.append((there, self._previous.silver.take(places, columns)))
            if len(gone):
                again = judged_again(self._job, self._known, rows[gone])
                pieces.append((gone, again.select(list(columns))))
        return merged(pieces, schema)

    def refusals(self, rows: Numbers) -> pa.Table:
        """The rows of the quarantine of these new rows (ascending), all of which a step refused."""
        names = self._job.refusals.names
        pieces = self._made(rows, self._known.rows[rows], REFUSED, self._refused, names)
        return merged(pieces, self._job.refusals)

    def _made(
        self, rows: Numbers, known: Numbers, name: str, counts: Numbers, columns: Sequence[str]
    ) -> list[tuple[Numbers, pa.Table]]:
        """The rows that this build made, from the file `name` of their groups; `counts` says how many rows of
        such files there are before each row of bronze."""
        fresh = np.flatnonzero(known < 0)
        pieces: list[tuple[Numbers, pa.Table]] = []
        at = 0
        while at < len(fresh):
            number = bisect_right(self._firsts, int(rows[fresh[at]])) - 1
            group = self._groups[number]
            first, end = (int(self._known.starts[unit]) for unit in (group.first, group.stop))
            stop = at + int(np.searchsorted(rows[fresh[at:]], end))
            made = self._map(self._job.group(group.first, group.stop) / name)
            spots = fresh[at:stop]
            found = made.take(counts[rows[spots]] - counts[first], columns)
            pieces += [(spots[some], table) for some, table in found]
            at = stop
        return pieces
