"""`headwater branch`, `compare` and `promote`: environments that copy nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Any

import typer

from headwater.cli.builds import Json
from headwater.cli.output import console, emit, readable_errors, table
from headwater.settings import MAIN, Settings
from headwater.versions.branches import branches, promote_branch
from headwater.versions.compare import AssetChange, Comparison

branch = typer.Typer(help="Branches: environments that copy nothing.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="Name of the branch")]


@branch.command("create")
def create(
    name: Name,
    source: Annotated[str, typer.Option(help="Branch, tag or commit to start from")] = MAIN,
    as_json: Json = False,
) -> None:
    """Start a branch; nothing is copied. Build on it with headwater build PRODUCT --branch NAME."""
    with readable_errors():
        commit = Settings.from_environment().open_lake().create_branch(name, source)
    emit(as_json, {"branch": name, "commit": commit}, lambda: console.print(f"{name} at {commit[:12]}"))


@branch.command("list")
def list_branches(
    everything: Annotated[bool, typer.Option("--all", help="Branches of runs as well")] = False,
    as_json: Json = False,
) -> None:
    """All branches with their newest commit."""
    with readable_errors():
        found = [
            item
            for item in branches(Settings.from_environment().open_lake())
            if everything or not item.transient
        ]
    rows = [{**asdict(item), "time": item.time.isoformat(timespec="seconds")} for item in found]

    def show() -> None:
        short = [{**row, "commit": row["commit"][:12]} for row in rows]
        table("", short, {"name": "branch", "commit": "commit", "time": "time", "message": "message"})

    emit(as_json, rows, show)


@branch.command("delete")
def delete(name: Name, as_json: Json = False) -> None:
    """Forget a branch; its commits stay readable by id until they are swept."""
    with readable_errors():
        Settings.from_environment().open_lake().delete_branch(name)
    emit(as_json, {"branch": name, "deleted": True}, lambda: console.print(f"{name} deleted"))


def promote(
    name: Name,
    into: Annotated[str, typer.Option(help="The branch to merge into")] = MAIN,
    as_json: Json = False,
) -> None:
    """Merge what a branch published. Nothing is released: the next build of main does, if the gate passes."""
    with readable_errors():
        merged = promote_branch(Settings.from_environment().open_lake(), name, into=into)

    def show() -> None:
        if merged.moved:
            console.print(f"{into} is at {merged.commit[:12]} and took over: {', '.join(merged.assets)}")
        else:
            console.print(f"{into} holds everything of {name} already")

    emit(as_json, asdict(merged), show)


def compare(
    left: Annotated[str, typer.Argument(help="Branch, tag or commit")],
    right: Annotated[str, typer.Argument(help="Branch, tag or commit")],
    product: Annotated[str, typer.Option(help="Only this product")] = "",
    samples: Annotated[int, typer.Option(min=0, help="Rows to show of each kind")] = 3,
    as_json: Json = False,
) -> None:
    """What differs between two versions, by asset: rows, columns, metrics, configuration and size."""
    from headwater.versions.compare import compare as run

    with readable_errors():
        found = run(Settings.from_environment().open_lake(), left, right, product=product, samples=samples)
    emit(as_json, asdict(found), lambda: print_comparison(found))


def print_comparison(found: Comparison) -> None:
    """A table of assets, then metrics, columns and samples."""
    if not found.assets:
        console.print(f"{found.left} and {found.right} hold the same")
        return
    columns = {
        "asset": "asset", "kind": "is", "added": "rows added", "removed": "removed", "changed": "changed",
        "size": "bytes", "new": "new bytes", "why": "because of",
    }  # fmt: skip
    table(f"{found.left} -> {found.right}", [_row(change) for change in found.assets], columns)
    metrics: list[dict[str, Any]] = [
        {"asset": change.asset, "metric": item.name, "left": item.left, "right": item.right,
         "direction": item.direction}
        for change in found.assets for item in change.metrics
    ]  # fmt: skip
    if metrics:
        console.print()
        table("Metrics", [{k: "" if v is None else v for k, v in row.items()} for row in metrics],
              {"asset": "asset", "metric": "metric", "left": found.left, "right": found.right,
               "direction": ""})  # fmt: skip
    for line in _details(found):
        console.print(line, markup=False, soft_wrap=True)


def _row(change: AssetChange) -> dict[str, Any]:
    main = [item for item in change.rows if "quarantine" not in item.folder]
    counts = {kind: sum(getattr(item, kind) for item in main) for kind in ("added", "removed", "changed")}
    return {
        "asset": f"{change.product}/{change.asset}",
        "kind": change.kind,
        **counts,
        "size": f"{change.bytes[1] - change.bytes[0]:+,}",
        "new": change.new_bytes,
        "why": "; ".join(change.why),
    }


def _details(found: Comparison) -> Iterator[str]:
    for change in found.assets:
        for rows in change.rows:
            for name, (old, new) in rows.columns.items():
                yield f"{rows.folder} column {name}: {old or 'absent'} -> {new or 'absent'}"
            for sample in rows.samples:
                yield f"{rows.folder} {sample['kind']} {sample['key']}"
                for name, (old, new) in sample.get("fields", {}).items():
                    yield f"    {name}: {old} -> {new}"
