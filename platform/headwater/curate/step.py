"""Steps: pure functions over Arrow record batches that change, judge or annotate documents."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

import pyarrow as pa

from headwater.fingerprint import code_version, digest_json, library_versions
from headwater.sources import Settings

REASON = "refused_reason"
DETAIL = "refused_detail"
Looser = Literal["lower", "higher", "more"]
"""How a parameter changes when more documents pass; a parameter that is null is at its loosest."""


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
    looser: ClassVar[Mapping[str, Looser]] = {}
    """Parameters that decide on nothing but who is refused. After such a change to the looser side, whoever
    passed before passes again with the same columns, so only those that this step refused are judged anew."""

    @property
    def fingerprint(self) -> str:
        """Digest of the step's code, its parameters and the versions of the libraries it calls."""
        return self._digest(exclude=())

    @property
    def lasting_fingerprint(self) -> str:
        """The fingerprint but for the parameters named in `looser`."""
        return self._digest(exclude=tuple(self.looser))

    def _digest(self, exclude: tuple[str, ...]) -> str:
        return digest_json(
            {
                "step": self.name,
                "code": code_version(type(self).__module__, *self.modules),
                "parameters": self.model_dump(mode="json", exclude=set(exclude)),
                "libraries": library_versions(*self.libraries),
                # Letters, their case and normal forms are those of Python's tables.
                "unicode": unicodedata.unidata_version,
            }
        )

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """See `Step.__call__`."""
        raise NotImplementedError(f"{type(self).__name__} judges no documents")

    def is_looser_than(self, parameters: Mapping[str, Any]) -> bool:
        """Whether every parameter in `looser` is as loose as in `parameters`, or looser."""
        own = self.model_dump(mode="json")
        return all(
            name in parameters and _as_loose(own[name], parameters[name], direction)
            for name, direction in self.looser.items()
        )


def _as_loose(value: Any, before: Any, direction: Looser) -> bool:
    if value is None or value == before:
        return True
    if before is None:
        return False
    if direction == "more":
        return set(value) >= set(before)
    return value <= before if direction == "lower" else value >= before


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
