"""What the last version knows: which bronze rows it saw, what became of each, and where that stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa

from headwater.curate.engine.chain import Chain
from headwater.curate.engine.keys import KeyIndex, row_keys
from headwater.curate.engine.rows import Numbers, Outcomes, Rows, flat
from headwater.curate.step import StepSettings
from headwater.curate.steps import step_name
from headwater.tables import open_part, parts, read_json, read_table

STATE = "state"
DUPLICATES = f"{STATE}/duplicates"
STEPS_FILE = "_steps.json"
BRONZE_FILE = "_bronze.json"
"""The parts of bronze that it was made from, in their order: digest and rows of each."""
KEPT = -1
"""Outcome of a document that every step let pass. Others are the number of the step that refused it; a
dropped duplicate has the number after the last step."""
_OUTCOME, _PLACE = "previous-outcome.npy", "previous-place.npy"
Mask = np.ndarray[Any, np.dtype[np.bool_]]


def description(chain: Chain, engine: str) -> dict[str, Any]:
    """What is stored beside the state, so that the next build knows which of it still holds."""
    return {
        "engine": engine,
        "sketch": chain.dedup.sketch_fingerprint,
        "redactors": [redactor.fingerprint for redactor in chain.redactors],
        "steps": [
            {
                "step": step_name(step),
                "fingerprint": step.fingerprint,
                "lasting": step.lasting_fingerprint,
                "parameters": step.model_dump(mode="json"),
            }
            for step in chain.steps
        ],
    }


@dataclass(frozen=True)
class Reuse:
    """What of the last version still holds.

    `outcomes`: refused by step 0, 1, …, and last: passed all of them. A document that a step refused was
    never seen by later ones, so it depends on those up to that step. `pairs`: the similarities of documents.
    """

    outcomes: tuple[bool, ...]
    pairs: bool


def reuse(folder: Path | None, chain: Chain, engine: str) -> Reuse | None:
    """What of the version in `folder` holds for this chain; None if nothing does."""
    if folder is None or not (folder / STATE / BRONZE_FILE).exists():
        return None
    stored = read_json(folder / STATE / STEPS_FILE)
    now = description(chain, engine)
    if any(stored[name] != now[name] for name in ("engine", "redactors")):
        return None
    holds: list[bool] = []
    unbroken = True
    for number, before in enumerate(stored["steps"]):
        step = chain.steps[number] if number < len(chain.steps) else None
        same = step is not None and step.fingerprint == before["fingerprint"]
        holds.append(unbroken and same)
        unbroken = unbroken and step is not None and (same or _looser(step, before))
    pairs = stored["sketch"] == now["sketch"]
    holds.append(unbroken and len(stored["steps"]) == len(chain.steps) and pairs)
    return Reuse(tuple(holds), pairs) if any(holds) else None


def _looser(step: StepSettings, before: dict[str, Any]) -> bool:
    same = step.lasting_fingerprint == before["lasting"]
    return same and step.is_looser_than(before["parameters"])


class Previous:
    """The last version: its datasets by row number, and what became of each row of its state."""

    def __init__(self, folder: Path, outcome: Outcomes, place: Numbers, usable: Mask) -> None:
        """`outcome` and `place` of each row of the state, and whether it still holds. The place is the row of
        silver for a kept document, the row of the quarantine for any other."""
        self.folder = folder
        self._outcome, self._place, self._usable = outcome, place, usable

    @classmethod
    def of(cls, folder: Path, holds: Sequence[bool]) -> Self:
        """The version in `folder`; `holds` as in `Reuse.outcomes`."""
        found = [np.zeros(0, dtype=np.int16)]
        for path in parts(folder / STATE):
            with open_part(path) as file:
                column = file.read(columns=["outcome"], use_threads=False)["outcome"]
            found.append(column.to_numpy().astype(np.int16))
        outcome = np.concatenate(found)
        kept = outcome == KEPT
        place = np.where(kept, np.cumsum(kept), np.cumsum(~kept)) - 1
        dropped = len(holds) - 1
        passed = kept | (outcome == dropped)
        usable = np.append(np.array(holds, dtype=bool), False)[np.where(passed, dropped, outcome)]
        return cls(folder, outcome, place, usable)

    def save(self, folder: Path) -> None:
        """Write to a folder what `open` needs."""
        np.save(folder / _OUTCOME, self._outcome)
        np.save(folder / _PLACE, self._place)

    @classmethod
    def open(cls, folder: Path, saved: Path) -> Self:
        """The version in `folder` for one who need not know which rows still hold."""
        outcome, place = (np.load(saved / name, mmap_mode="r") for name in (_OUTCOME, _PLACE))
        return cls(folder, outcome, place, np.zeros(0, dtype=np.bool_))

    @cached_property
    def state(self) -> Rows:
        """The state, in the order of the last version's bronze."""
        return Rows(parts(self.folder / STATE))

    @cached_property
    def silver(self) -> Rows:
        """The kept documents."""
        return Rows(parts(self.folder))

    @cached_property
    def quarantine(self) -> Rows:
        """The refused documents."""
        return Rows(parts(self.folder / "quarantine"))

    @cached_property
    def duplicates(self) -> Rows:
        """The texts of near duplicates that were dropped."""
        return Rows(parts(self.folder / DUPLICATES))

    @cached_property
    def duplicate_ids(self) -> pa.Array:
        """The ids of these documents, in their order."""
        return flat(read_table(self.folder / DUPLICATES, ["document_id"])["document_id"])

    @cached_property
    def _units(self) -> dict[str, tuple[int, int]]:
        """The rows of the state that were made from each part of bronze, by its digest."""
        seen = read_json(self.folder / STATE / BRONZE_FILE)
        stops = accumulate(rows for _, rows in seen)
        return {digest: (stop - rows, stop) for (digest, rows), stop in zip(seen, stops, strict=True)}

    @cached_property
    def _index(self) -> KeyIndex:
        keys = read_table(self.folder / STATE, ["key"])["key"]
        return KeyIndex.of(flat(keys), np.flatnonzero(self._usable))

    def usable_rows(self, digest: str) -> Numbers | None:
        """The state's row for each row of the part of bronze with this digest, -1 for those that must be
        judged; None for a part that the last version did not see."""
        if digest not in self._units:
            return None
        rows = np.arange(*self._units[digest], dtype=np.int64)
        return np.where(self._usable[rows], rows, -1)

    def find(self, bronze: pa.Table) -> Numbers:
        """The state's row for each row of bronze; -1 for one that must be judged."""
        return self._index.find(row_keys(bronze))

    def kept(self, rows: Numbers) -> Mask:
        """Whether these rows of the state stand in silver."""
        return np.asarray(self._outcome[rows] == KEPT)

    def outcomes(self, rows: Numbers) -> Outcomes:
        """What became of these rows of the state."""
        return np.asarray(self._outcome[rows])

    def causes(self, rows: Numbers) -> pa.Array:
        """The causes of these rows of the state, at least one; null for what was no duplicate."""
        return flat(self.state.take(rows, ["cause"])["cause"])

    def places(self, rows: Numbers) -> Numbers:
        """Where these rows of the state stand: in silver if they were kept, else in the quarantine."""
        return np.asarray(self._place[rows])
