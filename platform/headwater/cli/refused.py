"""`headwater refused`: what was refused, by which step and why."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from headwater.cli.builds import Json
from headwater.cli.output import console, emit, readable_errors, table
from headwater.settings import Settings

EXCERPT = 240


def refused(
    product: Annotated[str, typer.Argument(help="The product")],
    tier: Annotated[str | None, typer.Option(help="Only this tier: raw, bronze, silver, …")] = None,
    step: Annotated[str | None, typer.Option(help="Only what this step refused")] = None,
    reason: Annotated[str | None, typer.Option(help="Only this reason, e.g. near_duplicate")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many refusals to print")] = 20,
    ref: Annotated[
        str | None, typer.Option(help="Branch, tag or commit (default: the branch in force)")
    ] = None,
    as_json: Json = False,
) -> None:
    """What the tiers refused: counts by step and reason; with --step or --reason the refusals themselves."""
    from headwater.versions.refused import refused as ask

    with readable_errors():
        settings = Settings.from_environment()
        found = ask(
            settings.open_lake(),
            product,
            ref or settings.branch,
            tier=tier,
            step=step,
            reason=reason,
            limit=limit,
        )

    def show() -> None:
        if not found.total:
            console.print(f"{product}: nothing was refused")
            return
        columns = {"tier": "tier", "step": "step", "reason": "reason", "count": "refused"}
        table(f"{product} at {found.commit[:12]}: {found.total:,} refused", found.counts, columns)
        if step is not None or reason is not None:
            console.print()
            for row in found.rows:
                _print(row)

    emit(as_json, asdict(found), show)


def _print(row: dict[str, Any]) -> None:
    console.print(f"[bold]{row['reason']}[/bold] ({row['tier']}, {row['step']})  ", end="")
    console.print(f"{row['uri']}\n  {row['detail']}", markup=False)
    excerpt = " ".join(row["excerpt"].split())
    if excerpt:
        console.print(
            f"  {excerpt[:EXCERPT]}{'…' if len(excerpt) > EXCERPT else ''}", markup=False, style="dim"
        )
