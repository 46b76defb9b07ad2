"""Steps of a user's own, named in configuration as `silver_steps:Measure` and the like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from headwater.curate.step import Looser, StepSettings, Verdict, with_columns, with_verdicts


class Measure(StepSettings):
    """Annotates with values of every kind and refuses texts that are longer than `most` characters."""

    name: ClassVar[str] = "measure"
    looser: ClassVar[Mapping[str, Looser]] = {"most": "higher"}
    most: int = 1000

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        lengths = pc.utf8_length(batch.column("text")).to_pylist()
        measured = with_columns(
            batch,
            share=pa.array([length / 4 if length % 2 else float("nan") for length in lengths]),
            length=pa.array(lengths, pa.int64()),
            even=pa.array([length % 2 == 0 for length in lengths]),
            label=pa.array(['a "quoted"\n' if length % 2 else None for length in lengths], pa.string()),
            both=pa.array([[length, 1] for length in lengths]),
        )
        refused = [Verdict("too_many", f"{one}") if one > self.most else None for one in lengths]
        return with_verdicts(measured, refused)


class Broken(StepSettings):
    """Fails at every batch."""

    name: ClassVar[str] = "broken"

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        raise ArithmeticError(f"this step is broken, {len(batch)} documents wait")
