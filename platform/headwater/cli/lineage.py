"""`headwater lineage`: where something comes from, and what became of a document."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from headwater.cli.builds import Json
from headwater.cli.output import console, emit, readable_errors, table
from headwater.settings import Settings
from headwater.versions.lineage import Lineage
from headwater.versions.trail import Trail

MAX_DETAIL = 400


def lineage(
    target: Annotated[
        str, typer.Argument(help="PATH@REF: an asset or an object of it; with --document PRODUCT@REF")
    ],
    document: Annotated[
        str | None, typer.Option(help="Follow this document: its id, its uri, or the uri of its file")
    ] = None,
    as_json: Json = False,
) -> None:
    """The commits and runs that made an asset, back to raw digests; or one document's way."""
    from headwater.versions.lineage import lineage as trace
    from headwater.versions.trail import trails

    path, _, ref = target.partition("@")
    with readable_errors():
        settings = Settings.from_environment()
        lake, ref = settings.open_lake(), ref or settings.branch
        if document is not None:
            followed = trails(lake, path.strip("/").split("/")[0], document, ref)
            emit(as_json, [asdict(trail) for trail in followed], lambda: _print_trails(followed))
            return
        found = trace(lake, path, ref)
    emit(as_json, asdict(found), lambda: _print(found))


def _print(found: Lineage) -> None:
    rows = [
        {
            "asset": node.id,
            "rows": node.rows,
            "commit": node.commit[:12],
            "run": node.run_id[:8],
            "time": node.time,
            "inputs": ", ".join(node.inputs.values()),
        }
        for node in found.nodes
    ]
    table(f"{found.path} at {found.ref} ({found.commit[:12]})", rows,
          {"asset": "asset", "rows": "rows", "commit": "commit", "run": "run", "time": "published",
           "inputs": "made of"})  # fmt: skip
    console.print(f"\n{found.raw_total:,} original files (all digests with --json), for example:")
    for file in found.raw_files[:3]:
        console.print(f"  {file.digest}  {file.uri}", markup=False, soft_wrap=True)


def _print_trails(found: list[Trail]) -> None:
    for trail in found:
        console.print(f"[bold]{trail.uri}[/bold]  {trail.document_id}", soft_wrap=True)
        for step in trail.steps:
            detail = step.detail if len(step.detail) <= MAX_DETAIL else step.detail[:MAX_DETAIL] + "…"
            console.print(f"  {step.asset:<13}{step.outcome:<10}{step.count:>4}  ", end="")
            console.print(detail, markup=False, soft_wrap=True)
        if trail.kept_instead:
            console.print(f"  a duplicate of {trail.kept_instead}, which was kept", markup=False)
