"""The steps of a product, run over batches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Self

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from headwater.curate.dedup import Deduplicate, RemoveRepeated
from headwater.curate.engine.annotations import annotation_objects
from headwater.curate.engine.compute import pc
from headwater.curate.engine.excerpts import excerpts
from headwater.curate.engine.rows import Numbers
from headwater.curate.measured import follow
from headwater.curate.step import DETAIL, REASON, StepSettings
from headwater.curate.steps import DocumentStep, default_steps, make_step
from headwater.fingerprint import canonical_json, digest_text
from headwater.sources.base import Settings

REDACTOR = "pii"
_DEFAULTS: Mapping[str, Any] = {"redactions": "{}"}
"""Of columns that no step of the chain made; the others are null then."""


@dataclass(frozen=True)
class Judged:
    """What became of a batch: the rows that passed, and those that each step refused.

    `passed` are row numbers of the batch; `refused` maps the number of a step to row numbers and rows.
    """

    documents: pa.RecordBatch
    passed: Numbers
    refused: Mapping[int, tuple[Numbers, pa.RecordBatch]]


class Chain(Settings):
    """Steps on single documents in their order, then duplicates over the whole corpus."""

    steps: tuple[DocumentStep, ...] = Field(default_factory=default_steps)
    dedup: Deduplicate = Field(default_factory=Deduplicate)
    source_order: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _repeated_steps_come_first(self) -> Self:
        units = [step.unit for step in self.steps if isinstance(step, RemoveRepeated)]
        if len(units) != len(self.repeated):
            raise ValueError(
                "steps: expected `repeated` before all other steps: it compares documents as they came"
            )
        if len(set(units)) != len(units):
            raise ValueError(f"steps: expected `repeated` steps of different units, found {', '.join(units)}")
        return self

    @property
    def repeated(self) -> tuple[RemoveRepeated, ...]:
        """The steps that look at the whole corpus before the others see a document."""
        leading = takewhile(lambda step: isinstance(step, RemoveRepeated), self.steps)
        return tuple(step for step in leading if isinstance(step, RemoveRepeated))

    @property
    def redactors(self) -> tuple[StepSettings, ...]:
        """What an excerpt goes through: a chain that redacts nothing still shows no personal data there."""
        own = tuple(step for step in self.steps if step.name == REDACTOR)
        return own or (make_step(REDACTOR),)

    def judge(self, batch: pa.RecordBatch) -> Judged:
        """Run the steps over rows of bronze; each step sees what the one before it let pass."""
        numbers: Numbers = np.arange(len(batch), dtype=np.int64)
        refused: dict[int, tuple[Numbers, pa.RecordBatch]] = {}
        for index, step in enumerate(self.steps):
            if not len(batch):
                break
            batch = step(batch)
            if REASON not in batch.schema.names:
                continue
            out = batch.column(REASON).is_valid()
            lost = out.to_numpy(zero_copy_only=False)
            if lost.any():
                refused[index] = (numbers[lost], batch.filter(out))
                judged, batch = batch, batch.filter(pc.invert(out))
                follow(judged.column("text"), batch.column("text"), np.flatnonzero(~lost))
                numbers = numbers[~lost]
            batch = batch.drop_columns([REASON, DETAIL])
        return Judged(batch, numbers, refused)

    def ranks(self, sources: pa.Array) -> np.ndarray[Any, np.dtype[np.int32]]:
        """Place of each source in `source_order`; those that it does not list come last."""
        order = pa.array(self.source_order, pa.string())
        places = pc.index_in(sources, value_set=order).fill_null(len(self.source_order))
        return places.to_numpy(zero_copy_only=False).astype(np.int32)


def as_documents(batch: pa.RecordBatch, schema: pa.Schema, bronze: frozenset[str]) -> pa.RecordBatch:
    """The batch with the columns of `schema`; what else the steps added goes to `annotations`."""
    present = set(batch.schema.names)
    known = set(schema.names) | bronze
    added = sorted(present - known)
    columns: list[pa.Array] = []
    for field in schema:
        if field.name == "annotations":
            columns.append(annotation_objects(batch, added))
        elif field.name in present:
            column = batch.column(field.name)
            columns.append(column if column.type.equals(field.type) else column.cast(field.type))
        elif field.name in _DEFAULTS:
            columns.append(pa.repeat(pa.scalar(_DEFAULTS[field.name], field.type), len(batch)))
        else:
            columns.append(pa.nulls(len(batch), field.type))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def as_refusals(
    rows: pa.Table, step: pa.Array, redactors: tuple[StepSettings, ...], schema: pa.Schema
) -> pa.Table:
    """Rows of the quarantine for refused rows of bronze, each with `refused_reason` and `refused_detail`."""
    if not rows.num_rows:
        return schema.empty_table()
    return refusal_table(
        rows,
        step,
        rows[REASON].combine_chunks(),
        rows[DETAIL].combine_chunks(),
        excerpts(rows.combine_chunks().to_batches()[0], redactors),
        schema,
    )


def refusal_table(
    rows: pa.Table, step: pa.Array, reason: pa.Array, detail: pa.Array, excerpt: pa.Array, schema: pa.Schema
) -> pa.Table:
    """Rows of the quarantine; `rows` has uri, source, raw_digest and document_id."""
    causes = zip(rows["uri"].to_pylist(), step.to_pylist(), reason.to_pylist(), strict=True)
    identifiers = [digest_text(canonical_json(list(cause))) for cause in causes]
    made = {
        "refusal_id": pa.array(identifiers, pa.string()),
        "uri": rows["uri"],
        "source": rows["source"],
        "step": step,
        "reason": reason,
        "detail": detail,
        "raw_digest": rows["raw_digest"],
        "document_id": rows["document_id"],
        "excerpt": excerpt,
    }
    return pa.table([made[name] for name in schema.names], schema=schema)
