"""Which rows differ between two versions of a dataset, read from the parts that differ and no others."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from headwater.lake.protocol import Lake, Object
from headwater.schemas import (
    ANSWERS,
    BRONZE,
    CHUNKS,
    DRIFT,
    INFERENCE,
    QUARANTINE,
    QUESTIONS,
    RAW,
    RETRIEVAL_RESULTS,
    SILVER,
    TRAINING_SET,
)

PART = re.compile(r"(?P<folder>.*/)part-\d+\.parquet")
# What a tier keeps for its own next build: no data that people compare.
STATE = "/state/"
MAX_VALUE = 160
_KEYS = {
    "raw": RAW.key,
    "bronze": BRONZE.key,
    "silver": SILVER.key,
    "chunks": CHUNKS.key,
    "questions": QUESTIONS.key,
    "training_set": TRAINING_SET.key,
    "evaluation": RETRIEVAL_RESULTS.key,
    "inference": INFERENCE.key,
    "drift": DRIFT.key,
    "answers": ANSWERS.key,
    "quarantine": QUARANTINE.key,
}


@dataclass(frozen=True)
class RowChanges:
    """Rows by key: how many were added, removed and changed, with samples of each.

    A sample has `kind`, `key` and, for a changed row, `fields`: column -> [left, right]. `columns` are those
    that only one side has or that have another type there: name -> [left, right]; an absent one is "".
    `parts_read` of `parts` were read.
    """

    folder: str
    added: int
    removed: int
    changed: int
    samples: tuple[Mapping[str, Any], ...]
    columns: Mapping[str, tuple[str, str]]
    parts_read: int
    parts: int


def datasets(objects: Sequence[Object]) -> dict[str, list[Object]]:
    """Parts by the folder of their dataset, without what a tier keeps for its next build."""
    found: dict[str, list[Object]] = {}
    for item in objects:
        match = PART.fullmatch(item.path)
        if match is not None and STATE not in match["folder"]:
            found.setdefault(match["folder"], []).append(item)
    return found


def compare_rows(
    lake: Lake,
    folder: str,
    left: tuple[str, Sequence[Object]],
    right: tuple[str, Sequence[Object]],
    samples: int,
) -> RowChanges:
    """Compare a dataset at two commits, each given as the commit and its parts; one side may have none.

    Parts with equal bytes hold equal rows, and keys are unique, so leaving them out on both sides changes
    nothing. Memory is DuckDB's, which spills.
    """
    old, new = {item.digest for item in left[1]}, {item.digest for item in right[1]}
    files = [
        [lake.fetch(commit, item.path) for item in parts if item.digest not in same]
        for (commit, parts), same in ((left, new), (right, old))
    ]
    schemas = [_schema(lake, commit, parts) for commit, parts in (left, right)]
    counts, shown = _differing(files, schemas, _key(folder, schemas), samples)
    return RowChanges(
        folder=folder,
        added=counts["added"],
        removed=counts["removed"],
        changed=counts["changed"],
        samples=tuple(shown),
        columns=_columns(*schemas),
        parts_read=sum(map(len, files)),
        parts=len(left[1]) + len(right[1]),
    )


def _schema(lake: Lake, commit: str, parts: Sequence[Object]) -> pa.Schema | None:
    return pq.read_schema(lake.fetch(commit, parts[0].path)) if parts else None


def _key(folder: str, schemas: Sequence[pa.Schema | None]) -> str:
    """The dataset's key; where no schema of ours says, the first column, which is where keys stand."""
    known = _KEYS.get(folder.rstrip("/").rpartition("/")[2], "")
    present = [schema for schema in schemas if schema is not None]
    return known if all(known in schema.names for schema in present) else present[0].names[0]


def _columns(left: pa.Schema | None, right: pa.Schema | None) -> dict[str, tuple[str, str]]:
    if left is None or right is None:
        return {}
    names = list(dict.fromkeys([*left.names, *right.names]))
    types = {
        name: tuple(str(side.field(name).type) if name in side.names else "" for side in (left, right))
        for name in names
    }
    return {name: (old, new) for name, (old, new) in types.items() if old != new}


def _differing(
    files: Sequence[Sequence[Path]], schemas: Sequence[pa.Schema | None], key: str, samples: int
) -> tuple[dict[str, int], list[dict[str, Any]]]:
    counts = {"added": 0, "removed": 0, "changed": 0}
    if not any(files):
        return counts, []
    present = [schema for schema in schemas if schema is not None]
    common = [name for name in present[0].names if all(name in schema.names for schema in present)]
    common = [name for name in common if name != key]
    with duckdb.connect() as database:
        for side, paths, others in zip(("l", "r"), files, reversed(files), strict=True):
            _view(database, side, paths, others, key, common)
        database.execute(
            "CREATE TEMP TABLE differing AS SELECT coalesce(l.key, r.key) AS key, "
            "CASE WHEN l.key IS NULL THEN 'added' WHEN r.key IS NULL THEN 'removed' ELSE 'changed' END "
            "AS kind, "
            "l.fields AS before, r.fields AS after FROM l FULL OUTER JOIN r ON l.key = r.key "
            "WHERE l.key IS NULL OR r.key IS NULL OR l.fields IS DISTINCT FROM r.fields"
        )
        counts.update(database.execute("SELECT kind, count(*) FROM differing GROUP BY kind").fetchall())
        shown: list[dict[str, Any]] = []
        for kind in counts:
            rows = database.execute(
                "SELECT key, before, after FROM differing WHERE kind = ? ORDER BY key LIMIT ?",
                [kind, samples],
            ).fetchall()
            shown += [_sample(kind, str(found), before, after) for found, before, after in rows]
    return counts, shown


def _view(
    database: duckdb.DuckDBPyConnection,
    name: str,
    paths: Sequence[Path],
    others: Sequence[Path],
    key: str,
    columns: Sequence[str],
) -> None:
    """The rows of one side; of `others` none, for a side without parts needs the same columns."""
    fields = ", ".join(f"{_quoted(column)} := {_quoted(column)}" for column in columns) or "none := 0"
    listed = ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths or others)
    database.execute(
        f"CREATE TEMP VIEW {name} AS SELECT {_quoted(key)} AS key, struct_pack({fields}) AS fields "  # noqa: S608
        f"FROM read_parquet([{listed}])" + ("" if paths else " WHERE false")
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _sample(kind: str, key: str, before: Any, after: Any) -> dict[str, Any]:
    if kind != "changed":
        return {"kind": kind, "key": key}
    fields = {
        name: [_short(before[name]), _short(after[name])] for name in before if before[name] != after[name]
    }
    return {"kind": kind, "key": key, "fields": fields}


def _short(value: Any) -> Any:
    if value is None or isinstance(value, int | float):
        return value
    text = " ".join(str(value).split())
    return text if len(text) <= MAX_VALUE else text[:MAX_VALUE] + "…"
