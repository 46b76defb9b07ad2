"""A dataset's schema: one description gives Arrow types, the audit by Pandera, and what the UI shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from headwater.tables import parts, read_batches
from headwater.workspace import CheckOutcome

if TYPE_CHECKING:
    import pandas as pd
    import pandera.pandas as pa_frame

MAX_FAILURE_ROWS = 20
AUDIT_ROWS = 16_384

STRING = pa.string()
STRINGS = pa.list_(pa.string())
INT = pa.int64()
FLOAT = pa.float64()
BOOL = pa.bool_()


@dataclass(frozen=True)
class Check:
    """What holds of a column's values: the check of Pandera's of the same name, made when it is asked for.

    Pandera and pandas load for longer than most commands run, and few of these audit anything.
    """

    make: Callable[[type[pa_frame.Check]], pa_frame.Check]

    @classmethod
    def ge(cls, least: float) -> Self:
        """No value is less."""
        return cls(lambda check: check.ge(least))

    @classmethod
    def gt(cls, limit: float) -> Self:
        """Every value is greater."""
        return cls(lambda check: check.gt(limit))

    @classmethod
    def in_range(cls, least: float, most: float) -> Self:
        """Values are from `least` to `most`."""
        return cls(lambda check: check.in_range(least, most))

    @classmethod
    def isin(cls, values: Sequence[Any]) -> Self:
        """Every value is one of these."""
        return cls(lambda check: check.isin(values))

    @classmethod
    def matches(cls, pattern: str, name: str) -> Self:
        """Every value begins with what the pattern describes."""
        return cls(lambda check: check.str_matches(pattern, name=name, error=name))

    @classmethod
    def that(cls, holds: Callable[[pd.Series], pd.Series], name: str) -> Self:
        """`holds` says of each value of a column whether it is right."""
        return cls(lambda check: check(holds, name=name))


SHA256 = Check.matches(r"^[0-9a-f]{64}$", "sha256")
NOT_BLANK = Check.that(lambda column: column.str.strip().str.len() > 0, "not_blank")
NOT_EMPTY = Check.that(lambda column: column.list.len() > 0, "not_empty")
"""Of lists."""


@dataclass(frozen=True)
class Column:
    """A described column; values are required unless `nullable`."""

    kind: pa.DataType
    description: str
    checks: tuple[Check, ...]
    nullable: bool

    @property
    def pandera(self) -> pa_frame.Column:
        """The same to Pandera."""
        import pandas as pd
        import pandera.pandas as pa_frame

        return pa_frame.Column(
            pd.ArrowDtype(self.kind),
            checks=[check.make(pa_frame.Check) for check in self.checks],
            nullable=self.nullable,
            description=self.description,
        )


def column(kind: pa.DataType, description: str, *checks: Check, nullable: bool = False) -> Column:
    """A described column; values are required unless `nullable`."""
    return Column(kind, description, checks, nullable)


@dataclass(frozen=True)
class Dataset:
    """A named table: its columns, and which of them identifies a row.

    `key` values are non-empty strings, unique in the dataset; the audit proves it over all parts.
    """

    name: str
    description: str
    key: str
    columns: Mapping[str, Column]

    @property
    def pandera(self) -> pa_frame.DataFrameSchema:
        """The Pandera schema: these columns, in this order, and no others."""
        import pandera.pandas as pa_frame

        columns = {name: column.pandera for name, column in self.columns.items()}
        return pa_frame.DataFrameSchema(columns, name=self.name, strict=True, ordered=True)

    @property
    def arrow(self) -> pa.Schema:
        """The Arrow schema with which the dataset is written."""
        return pa.schema(
            [pa.field(name, column.kind, nullable=column.nullable) for name, column in self.columns.items()]
        )

    def audit(self, folder: Path) -> CheckOutcome:
        """Validate every row below `folder` and report a sample of the failing ones.

        Streams: memory is bounded by 16,384 rows and the set of keys.
        """
        import pandas as pd

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
        import pandas as pd
        from pandera.errors import SchemaErrors

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
    import pandas as pd

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
