"""What the last version knows: which bronze rows it saw, what became of each, and where that stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from headwater.curate.engine.chain import Chain
from headwater.curate.engine.keys import KeyIndex, halves, row_keys
from headwater.curate.engine.rows import Numbers, Rows
from headwater.curate.step import StepSettings
from headwater.curate.steps import step_name
from headwater.tables import parts, read_batches, read_json

STATE = "state"
STEPS_FILE = "_steps.json"
KEPT = -1
"""Outcome of a document that every step let pass. Others are the number of the step that refused it; a
dropped duplicate has the number after the last step."""
_ARRAYS = ("high", "low", "row", "outcome", "place")


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
    if folder is None or not (folder / STATE / STEPS_FILE).exists():
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


def write_index(previous: Path, holds: Sequence[bool], folder: Path) -> None:
    """Write what `Previous` looks rows up in: sorted keys, and of each row its outcome and place.

    The place is the row of silver for a kept document, the row of the quarantine for any other.
    """
    folder.mkdir(parents=True, exist_ok=True)
    highs, lows = [np.zeros(0, dtype=np.uint64)], [np.zeros(0, dtype=np.uint64)]
    outcomes = [np.zeros(0, dtype=np.int16)]
    for batch in read_batches(previous / STATE, ["key", "outcome"]):
        high, low = halves(batch.column("key"))
        highs.append(high)
        lows.append(low)
        outcomes.append(batch.column("outcome").to_numpy().astype(np.int16))
    high, low, outcome = (np.concatenate(found) for found in (highs, lows, outcomes))
    kept = outcome == KEPT
    place = np.where(kept, np.cumsum(kept), np.cumsum(~kept)) - 1
    dropped = len(holds) - 1
    passed = kept | (outcome == dropped)
    usable = np.append(np.array(holds, dtype=bool), False)[np.where(passed, dropped, outcome)]
    row = np.flatnonzero(usable)
    row = row[np.argsort(high[row], kind="stable")]
    found = {"high": high[row], "low": low[row], "row": row, "outcome": outcome, "place": place}
    for name in _ARRAYS:
        np.save(folder / f"{name}.npy", found[name])


class Previous:
    """The last version: its datasets by row number, and the index over its state."""

    def __init__(self, folder: Path, index: Path) -> None:
        self.folder = folder
        self._arrays = {name: np.load(index / f"{name}.npy", mmap_mode="r") for name in _ARRAYS}
        self._index = KeyIndex(self._arrays["high"], self._arrays["low"], self._arrays["row"])

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

    def find(self, bronze: pa.Table) -> Numbers:
        """The state's row for each row of bronze; -1 for one that must be judged."""
        return self._index.find(row_keys(bronze))

    def kept(self, rows: Numbers) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Whether these rows of the state stand in silver."""
        return np.asarray(self._arrays["outcome"][rows] == KEPT)

    def outcomes(self, rows: Numbers) -> np.ndarray[Any, np.dtype[np.int16]]:
        """What became of these rows of the state."""
        return np.asarray(self._arrays["outcome"][rows])

    def places(self, rows: Numbers) -> Numbers:
        """Where these rows of the state stand: in silver if they were kept, else in the quarantine."""
        return np.asarray(self._arrays["place"][rows])
