"""`headwater status`, `log`, `diff` and `show`: what the lake holds."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from headwater.cli.builds import Json
from headwater.cli.output import console, emit, readable_errors, table
from headwater.lake import Lake, NotFound
from headwater.lake.records import Record, data_version, read_record
from headwater.release import current_release
from headwater.settings import Settings
from headwater.tables import parts, read_rows

MAX_CELL = 120


def status(
    product: Annotated[str | None, typer.Argument(help="Only this product")] = None,
    branch: Annotated[str | None, typer.Option(help="The branch to look at")] = None,
    as_json: Json = False,
) -> None:
    """What stands on the branch: every asset with its rows, version and state, and the releases."""
    with readable_errors():
        settings = Settings.from_environment(branch=branch)
        lake = settings.open_lake()
        head = lake.resolve(settings.branch)
        records = _records(lake, head, product)
        rows = [_status_row(lake, head, record) for record in records]
        names = sorted({record.product for record in records})
        released = {name: current_release(lake, name) for name in names}

    def show() -> None:
        if not rows:
            console.print(f"nothing was built on {settings.branch} yet: headwater build PRODUCT")
            return
        columns = {
            "product": "product", "asset": "asset", "rows": "rows", "refused": "refused", "bytes": "bytes",
            "state": "state", "data_version": "data version",
        }  # fmt: skip
        table(
            f"{settings.branch} at {head[:12]}",
            [{**r, "data_version": r["data_version"][:12]} for r in rows],
            columns,
        )
        for name, release in released.items():
            console.print(f"{name}: " + (f"release {release.name}" if release else "never released"))

    value = {
        "branch": settings.branch,
        "commit": head,
        "assets": rows,
        "releases": {name: release.name if release else None for name, release in released.items()},
    }
    emit(as_json, value, show)


def log(
    ref: Annotated[
        str | None, typer.Argument(help="Branch, tag or commit (default: the branch in force)")
    ] = None,
    prefix: Annotated[str, typer.Option(help="Only commits that touched this path")] = "",
    limit: Annotated[int, typer.Option("-n", min=1, help="How many commits")] = 20,
    as_json: Json = False,
) -> None:
    """Commits, newest first."""
    with readable_errors():
        settings = Settings.from_environment()
        commits = list(settings.open_lake().log(ref or settings.branch, prefix=prefix, limit=limit))
    rows: list[dict[str, Any]] = [
        {
            "commit": commit.id,
            "time": commit.time.isoformat(timespec="seconds"),
            "message": commit.message,
            "parents": list(commit.parents),
            "metadata": dict(commit.metadata),
        }
        for commit in commits
    ]

    def show() -> None:
        short = [
            {**row, "commit": row["commit"][:12], "run": row["metadata"].get("run_id", "")[:8]}
            for row in rows
        ]
        table("", short, {"commit": "commit", "time": "time", "run": "run", "message": "message"})

    emit(as_json, rows, show)


def diff(
    left: Annotated[str, typer.Argument(help="Branch, tag or commit")],
    right: Annotated[str, typer.Argument(help="Branch, tag or commit")],
    prefix: Annotated[str, typer.Option(help="Only below this path")] = "",
    as_json: Json = False,
) -> None:
    """Which objects differ between two versions, counted by asset."""
    with readable_errors():
        changes = list(Settings.from_environment().open_lake().diff(left, right, prefix))
    counts = Counter((_asset_of(change.path), change.kind) for change in changes)
    assets = sorted({asset for asset, _ in counts})
    rows = [
        {"asset": asset, **{kind: counts[asset, kind] for kind in ("added", "changed", "removed")}}
        for asset in assets
    ]

    def show() -> None:
        if not rows:
            console.print(f"{left} and {right} hold the same")
            return
        table(
            f"{left} -> {right}",
            rows,
            {"asset": "asset", "added": "added", "changed": "changed", "removed": "removed"},
        )

    emit(as_json, {"assets": rows, "objects": [{"path": c.path, "kind": c.kind} for c in changes]}, show)


def show(
    target: Annotated[
        str, typer.Argument(help="PATH@REF: a file, or a dataset's folder; REF defaults to main")
    ],
    limit: Annotated[int, typer.Option("-n", min=1, help="Rows of a dataset")] = 10,
    as_json: Json = False,
) -> None:
    """Print what stands at a path: rows of a dataset, or a file as it is."""
    path, _, ref = target.partition("@")
    with readable_errors():
        settings = Settings.from_environment()
        lake = settings.open_lake()
        found = _fetch(lake, ref or settings.branch, path)
        if found.is_file() and not path.endswith(".parquet"):
            sys.stdout.buffer.write(found.read_bytes())
            sys.stdout.buffer.flush()
            return
        if found.is_dir() and not any(found.glob("part-*.parquet")):
            names = [item.path for item in lake.list(ref or settings.branch, path.rstrip("/") + "/")]
            emit(as_json, names, lambda: console.print("\n".join(names)))
            return
        rows = _rows(found, limit)
    emit(as_json, rows, lambda: _print_rows(rows))


def _fetch(lake: Lake, ref: str, path: str) -> Path:
    try:
        return lake.fetch(ref, path)
    except NotFound:
        if path.endswith("/"):
            raise
        return lake.fetch(ref, path + "/")


def _rows(found: Path, limit: int) -> list[dict[str, Any]]:
    if found.is_dir():
        parts(found)
        source = read_rows(found)
    else:
        import pyarrow.parquet as pq

        # A payload is named by its digest, so the reader is told its kind by opening it as Parquet.
        source = iter(pq.ParquetFile(found).read().slice(0, limit).to_pylist())
    return [row for _, row in zip(range(limit), source, strict=False)]


def _print_rows(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        for name, value in row.items():
            text = " ".join(str(value).split())
            console.print(f"[dim]{name:>18}[/dim]  ", end="")
            console.print(text[:MAX_CELL] + ("…" if len(text) > MAX_CELL else ""), markup=False)
        console.print()


def _records(lake: Lake, head: str, product: str | None) -> list[Record]:
    prefix = f"_meta/{product}/" if product else "_meta/"
    found: list[Record] = []
    for item in lake.list(head, prefix):
        name, _, asset = item.path.removeprefix("_meta/").removesuffix(".json").partition("/")
        record = read_record(lake, head, name, asset)
        if record is not None:
            found.append(record)
    return sorted(found, key=lambda record: (record.product, _depth(record, found), record.asset))


def _depth(record: Record, records: list[Record]) -> int:
    by_name = {(item.product, item.asset): item for item in records}
    above = [by_name.get((record.product, name)) for name in record.upstream]
    return 1 + max((_depth(item, records) for item in above if item is not None), default=0)


def _status_row(lake: Lake, head: str, record: Record) -> dict[str, Any]:
    return {
        "product": record.product,
        "asset": record.asset,
        "rows": record.rows,
        "refused": sum(record.refused.values()),
        "bytes": record.bytes,
        "state": _state(lake, head, record),
        "data_version": record.data_version,
    }


def _state(lake: Lake, head: str, record: Record) -> str:
    """`fresh`, or which inputs have moved since the asset was made."""
    moved = [
        name
        for name, entry in record.upstream.items()
        if entry["folder"] == f"{record.product}/{name}/"
        and data_version(lake, head, entry["folder"]) != entry["data_version"]
    ]
    return f"stale: new {', '.join(moved)}" if moved else "fresh"


def _asset_of(path: str) -> str:
    pieces = path.split("/")
    if pieces[0] == "_meta":
        return json.dumps("/".join(pieces[1:]).removesuffix(".json") + " (record)").strip('"')
    return "/".join(pieces[:2])
