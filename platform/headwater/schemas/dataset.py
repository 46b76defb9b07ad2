"""A dataset's schema: one Pandera model gives Arrow types, the audit, and what the UI shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pandera.pandas as pa_frame
import pyarrow as pa
import pyarrow.parquet as pq
from pandera.errors import SchemaErrors

from headwater.tables import parts, read_batches
from headwater.workspace import CheckOutcome

MAX_FAILURE_ROWS = 20
AUDIT_ROWS = 16_384

STRING = pd.ArrowDtype(pa.string())
STRINGS = pd.ArrowDtype(pa.list_(pa.string()))
INT = pd.ArrowDtype(pa.int64())
FLOAT = pd.ArrowDtype(pa.float64())
BOOL = pd.ArrowDtype(pa.bool_())

SHA256 = pa_frame.Check.str_matches(r"^[0-9a-f]{64}$", name="sha256", error="sha256")
NOT_BLANK = pa_frame.Check(lambda column: column.str.strip().str.len() > 0, name="not_blank")


def column(
    dtype: pd.ArrowDtype, description: str, *checks: pa_frame.Check, nullable: bool = False
) -> pa_frame.Column:
    """A described column; values are required unless `nullable`."""
    return pa_frame.Column(dtype, checks=list(checks), nullable=nullable, description=description)


@dataclass(frozen=True)
class Dataset:
    """A named table: its Pandera schema and the column that identifies a row.

    `key` values are non-empty strings, unique in the dataset; the audit proves it over all parts.
    """

    name: str
    description: str
    key: str
    columns: Mapping[str, pa_frame.Column]

    @property
    def pandera(self) -> pa_frame.DataFrameSchema:
        """The Pandera schema: these columns, in this order, and no others."""
        return pa_frame.DataFrameSchema(dict(self.columns), name=self.name, strict=True, ordered=True)

    @property
    def arrow(self) -> pa.Schema:
        """The Arrow schema with which the dataset is written."""
        fields: list[pa.Field] = []
        for name, spec in self.columns.items():
            dtype: Any = spec.dtype
            fields.append(pa.field(name, dtype.type.pyarrow_dtype, nullable=bool(spec.nullable)))
        return pa.schema(fields)

    def audit(self, folder: Path) -> CheckOutcome:
        """Validate every row below `folder` and report a sample of the failing ones.

        Streams: memory is bounded by 16,384 rows and the set of keys.
        """
        name = f"{self.name}_schema"
        failures: list[Mapping[str, Any]] = []
        failed = rows = 0
        seen: set[str] = set()
        schema = self.pandera
        for path in parts(folder):
            actual = pq.read_schema(path)
            if not actual.equals(self.arrow):
                return CheckOutcome(
                    name=name,
                    passed=False,
                    description=f"{path.name} has other columns than the schema says",
                    metadata={"expected": str(self.arrow), "found": str(actual)},
                    failures=tuple(_schema_differences(self.arrow, actual)),
                )
        for batch in read_batches(folder, batch_rows=AUDIT_ROWS):
            frame = batch.to_pandas(types_mapper=pd.ArrowDtype)
            frame.index = pd.RangeIndex(rows, rows + len(frame))
            rows += len(frame)
            cases = self._cases(schema, frame) + _repeated_keys(frame[self.key], seen)
            failed += len(cases)
            failures += cases[: MAX_FAILURE_ROWS - len(failures)]
        return CheckOutcome(
            name=name,
            passed=failed == 0,
            description=f"{rows:,} rows against the Pandera schema `{self.name}`",
            metadata={"rows": rows, "failed": failed},
            failures=tuple(failures),
        )

    def _cases(self, schema: pa_frame.DataFrameSchema, frame: pd.DataFrame) -> list[Mapping[str, Any]]:
        try:
            schema.validate(frame, lazy=True)
        except SchemaErrors as error:
            return [
                {
                    "column": str(case["column"]),
                    "check": str(case["check"]),
                    "value": str(case["failure_case"])[:200],
                    "row": None if pd.isna(case["index"]) else int(case["index"]),
                    self.key: _key_at(frame, self.key, case["index"]),
                }
                for case in error.failure_cases.to_dict("records")
            ]
        return []


def _key_at(frame: pd.DataFrame, key: str, index: Any) -> str:
    return "" if pd.isna(index) else str(frame.loc[index, key])


def _repeated_keys(keys: pd.Series, seen: set[str]) -> list[Mapping[str, Any]]:
    cases: list[Mapping[str, Any]] = []
    for index, key in keys.items():
        if key in seen:
            cases.append(
                {"column": keys.name, "check": "unique", "value": key, "row": index, str(keys.name): key}
            )
        seen.add(key)
    return cases


def _schema_differences(expected: pa.Schema, actual: pa.Schema) -> list[Mapping[str, Any]]:
    names = list(dict.fromkeys([*expected.names, *actual.names]))
    rows: list[Mapping[str, Any]] = []
    for name in names:
        want = str(expected.field(name)) if name in expected.names else "absent"
        have = str(actual.field(name)) if name in actual.names else "absent"
        if want != have:
            rows.append({"column": name, "check": "type", "value": have, "expected": want})
    return rows or [{"column": "*", "check": "order", "value": ", ".join(actual.names)}]
