"""Documents and bytes from step to step, and the check that none was lost on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from headwater.workspace import CheckOutcome

CHECK = "waterfall"
DESCRIPTION = "Every document and byte that came in was refused by one step or came out"
_COUNTS = ("in", "refused", "out", "bytes_in", "bytes_refused", "bytes_out")


class Flow:
    """Counts by outcome; bytes are those that a document's text had when it came in, so that they add up."""

    def __init__(self, stages: Sequence[str]) -> None:
        self.stages = tuple(stages)
        self._documents = np.zeros(len(stages) + 1, dtype=np.int64)
        self._bytes = np.zeros(len(stages) + 1, dtype=np.int64)

    def add(self, outcomes: np.ndarray[Any, Any], sizes: np.ndarray[Any, Any]) -> None:
        """Documents with the number of the stage that refused them, -1 for those that none did."""
        found = np.where(outcomes < 0, len(self.stages), outcomes).astype(np.int64)
        self._documents += np.bincount(found, minlength=len(self._documents))
        self._bytes += np.bincount(found, weights=sizes, minlength=len(self._bytes)).astype(np.int64)

    @property
    def documents(self) -> int:
        """How many came in."""
        return int(self._documents.sum())

    @property
    def bytes(self) -> int:
        """How many bytes came in."""
        return int(self._bytes.sum())

    def rows(self) -> tuple[dict[str, Any], ...]:
        """One row for each stage: documents and bytes in, refused, out."""
        found: list[dict[str, Any]] = []
        documents, size = self.documents, self.bytes
        for number, stage in enumerate(self.stages):
            lost, bytes_lost = int(self._documents[number]), int(self._bytes[number])
            counts = (documents, lost, documents - lost, size, bytes_lost, size - bytes_lost)
            found.append({"step": stage, **dict(zip(_COUNTS, counts, strict=True))})
            documents, size = documents - lost, size - bytes_lost
        return tuple(found)


def check(
    rows: Sequence[Mapping[str, Any]], *, came_in: int, went_out: int, refused: Mapping[str, int]
) -> CheckOutcome:
    """Compare a waterfall with what was read and written: `refused` counts written refusals by step."""
    failures: list[dict[str, Any]] = []

    def expect(where: str, expected: int, found: int) -> None:
        if expected != found:
            failures.append({"where": where, "expected": expected, "found": found})

    documents = came_in
    for row in rows:
        expect(f"into {row['step']}", documents, row["in"])
        expect(f"{row['step']}: refused and out", row["in"], row["refused"] + row["out"])
        expect(
            f"{row['step']}: bytes refused and out", row["bytes_in"], row["bytes_refused"] + row["bytes_out"]
        )
        documents = row["out"]
    expect("written", documents, went_out)
    by_step: dict[str, int] = {}
    for row in rows:
        by_step[row["step"]] = by_step.get(row["step"], 0) + row["refused"]
    for step in sorted(by_step.keys() | refused.keys()):
        expect(f"quarantined by {step}", by_step.get(step, 0), refused.get(step, 0))
    return CheckOutcome(
        name=CHECK,
        passed=not failures,
        description=f"{came_in:,} in, {sum(refused.values()):,} refused, {went_out:,} out",
        metadata={"in": came_in, "refused": sum(refused.values()), "out": went_out},
        failures=tuple(failures),
    )
