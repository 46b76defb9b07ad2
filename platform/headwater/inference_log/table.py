"""Windows as Parquet: one part for each window and dataset, named by the window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from headwater.curate.languages import languages_of
from headwater.inference_log.records import Feedback, Request
from headwater.schemas.inference import FEEDBACK, INFERENCE

PART = "part-"
JUDGEMENTS = "feedback"
"""The folder of the second dataset."""


def part_of(folder: Path, window: str) -> Path:
    """Where the part of a window stands; parts sort as windows do."""
    return folder / f"{PART}{window}.parquet"


def windows_in(folder: Path) -> list[str]:
    """Windows that have a part in a folder, in their order."""
    return sorted(path.stem.removeprefix(PART) for path in folder.glob(f"{PART}w-*.parquet"))


def request_rows(window: str, requests: Sequence[Request]) -> pa.Table:
    """Requests of one window; nobody has judged them yet."""
    languages = languages_of([request.question for request in requests])
    rows: list[Mapping[str, Any]] = [
        {
            **request.model_dump(exclude={"kind"}),
            "window": window,
            "vote": None,
            "feedback": 0,
            "language": language,
        }
        for request, language in zip(requests, languages, strict=True)
    ]
    return pa.Table.from_pylist(rows, schema=INFERENCE.arrow)


def feedback_rows(window: str, judgements: Sequence[Feedback]) -> pa.Table:
    """Judgements of one window; their responses are not looked up yet."""
    rows = [{**one.model_dump(exclude={"kind"}), "window": window, "served": False} for one in judgements]
    return pa.Table.from_pylist(rows, schema=FEEDBACK.arrow)


def read_part(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """The rows of one part."""
    with pq.ParquetFile(path) as file:
        return file.read(columns=list(columns) if columns is not None else None)


def replaced(rows: pa.Table, name: str, values: Sequence[Any]) -> pa.Table:
    """The rows with other values in one column."""
    field = rows.schema.field(name)
    return rows.set_column(rows.schema.get_field_index(name), field, pa.array(values, field.type))
