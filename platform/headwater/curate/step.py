"""Steps: pure functions over Arrow record batches that change, judge or annotate documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import pyarrow as pa

from headwater.fingerprint import code_version, digest_json, library_versions
from headwater.sources import Settings

REASON = "refused_reason"
DETAIL = "refused_detail"


@dataclass(frozen=True)
class Verdict:
    """Why a document is refused: a reason of one word or a few joined by `_`, and what was measured."""

    reason: str
    detail: str


class Step(Protocol):
    """One stage of the silver tier."""

    name: ClassVar[str]
    """What the quarantine and the tables call it."""

    @property
    def fingerprint(self) -> str:
        """Digest of its code, parameters and libraries: equal fingerprints and input give equal output."""
        ...

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch with changed or further columns, as many rows and in the same order.

        A step that refuses adds the columns `refused_reason` and `refused_detail`, null where a row passes.
        """
        ...


class StepSettings(Settings):
    """Base of the steps: parameters from YAML and the fingerprint."""

    name: ClassVar[str]
    modules: ClassVar[tuple[str, ...]] = ()
    """Further modules of this package that the step's result depends on."""
    libraries: ClassVar[tuple[str, ...]] = ()

    @property
    def fingerprint(self) -> str:
        """Digest of the step's code, its parameters and the versions of the libraries it calls."""
        return digest_json(
            {
                "step": self.name,
                "code": code_version(type(self).__module__, *self.modules),
                "parameters": self.model_dump(mode="json"),
                "libraries": library_versions(*self.libraries),
            }
        )


def with_columns(batch: pa.RecordBatch, **columns: Sequence[Any] | pa.Array) -> pa.RecordBatch:
    """The batch with these columns replaced or appended; Python sequences must be of one type."""
    arrays = {name: batch.column(name) for name in batch.schema.names}
    for name, values in columns.items():
        kind = batch.schema.field(name).type if name in arrays else None
        arrays[name] = values if isinstance(values, pa.Array) else pa.array(values, kind)
    return pa.RecordBatch.from_pydict(arrays)


def with_verdicts(batch: pa.RecordBatch, verdicts: Sequence[Verdict | None]) -> pa.RecordBatch:
    """The batch with the columns `refused_reason` and `refused_detail`."""
    return with_columns(
        batch,
        **{
            REASON: pa.array([verdict and verdict.reason for verdict in verdicts], pa.string()),
            DETAIL: pa.array([verdict and verdict.detail for verdict in verdicts], pa.string()),
        },
    )


def strings(batch: pa.RecordBatch, column: str) -> list[str]:
    """A string column without nulls as Python strings."""
    return batch.column(column).to_pylist()
