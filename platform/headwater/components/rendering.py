"""What the core reports, as Dagster's metadata: numbers that plot, tables, pictures, links to commits."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pandera.pandas as pa_frame

from headwater.lake.publish import Published
from headwater.lake.recipe import Recipe
from headwater.schemas.dataset import Dataset
from headwater.workspace import CheckOutcome

MAX_PICTURE_BYTES = 150_000
MAX_CONSTRAINT = 30
"""Dagster's UI cuts constraint tags at 30 characters."""


def column_schema(dataset: Dataset) -> dg.TableSchema:
    """The columns of a dataset as Dagster shows them, before the first run as well."""
    schema = dataset.pandera
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=field.name,
                type=str(field.type),
                description=schema.columns[field.name].description,
                constraints=dg.TableColumnConstraints(
                    nullable=field.nullable,
                    unique=field.name == dataset.key,
                    other=[_constraint(check) for check in schema.columns[field.name].checks],
                ),
            )
            for field in dataset.arrow
        ]
    )


def materialization_metadata(published: Published, picture_folder: Path | None) -> dict[str, Any]:
    """Metadata of a materialization; `picture_folder` is where the asset's files can be read."""
    record = published.record
    metadata: dict[str, Any] = {}
    if picture_folder is not None:
        for name, path in record.pictures.items():
            metadata[name] = picture(picture_folder / path)
    metadata.update({name: dg.MetadataValue.md(text) for name, text in record.text.items()})
    metadata.update({name: table(rows) for name, rows in record.tables.items() if rows})
    if record.refused:
        metadata["refused_total"] = sum(record.refused.values())
        metadata["refused"] = table(
            {"reason": reason, "count": count} for reason, count in sorted(record.refused.items())
        )
    metadata.update(record.metrics)
    metadata.update(
        {
            "dagster/row_count": record.rows,
            "outcome": published.outcome,
            "branch": published.target,
            "commit": published.commit,
            "bytes": record.bytes,
            "objects": record.objects,
            "seconds": round(published.cost.seconds, 2),
            "cpu_seconds": round(published.cost.cpu_seconds, 2),
            "peak_memory_mib": round(published.cost.peak_mib),
            "upstream": dg.MetadataValue.json({name: dict(entry) for name, entry in record.upstream.items()}),
        }
    )
    return metadata


def check_result(recipe: Recipe, outcome: CheckOutcome) -> dg.AssetCheckResult:
    """A check's verdict with a table of the rows that failed it."""
    metadata: dict[str, Any] = dict(outcome.metadata)
    if outcome.failures:
        metadata["failing_rows"] = table(outcome.failures)
    return dg.AssetCheckResult(
        check_name=outcome.name,
        asset_key=dg.AssetKey([recipe.product, recipe.asset]),
        passed=outcome.passed,
        severity=dg.AssetCheckSeverity.ERROR if outcome.severity == "error" else dg.AssetCheckSeverity.WARN,
        description=outcome.description,
        metadata=metadata,
    )


def table(rows: Iterable[Mapping[str, Any]]) -> dg.TableMetadataValue:
    """Flat mappings as a table; the columns are those of the first row and whatever later rows add."""
    listed = [{name: _cell(value) for name, value in row.items()} for row in rows]
    names = list(dict.fromkeys(name for row in listed for name in row))
    types = {name: _column_type(row.get(name) for row in listed) for name in names}
    return dg.MetadataValue.table(
        records=[dg.TableRecord({name: _as(types[name], row.get(name)) for name in names}) for row in listed],
        schema=dg.TableSchema([dg.TableColumn(name=name, type=types[name]) for name in names]),
    )


def picture(path: Path) -> dg.MetadataValue[Any]:
    """A small PNG inline; the path of a large one, since inline pictures are stored in the event log."""
    if path.stat().st_size > MAX_PICTURE_BYTES:
        return dg.MetadataValue.path(str(path))
    encoded = base64.b64encode(path.read_bytes()).decode()
    return dg.MetadataValue.md(f"![{path.stem}](data:image/png;base64,{encoded})")


def _constraint(check: pa_frame.Check) -> str:
    return str(check.name or check.error or "check")[:MAX_CONSTRAINT]


def _cell(value: Any) -> str | int | float | bool | None:
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _column_type(values: Iterable[Any]) -> str:
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {bool}:
        return "bool" if kinds else "string"
    if kinds <= {int}:
        return "int"
    return "float" if kinds <= {int, float} else "string"


def _as(kind: str, value: Any) -> Any:
    return str(value) if kind == "string" and value is not None else value
