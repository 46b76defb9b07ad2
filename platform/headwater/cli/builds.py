"""`headwater build`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from headwater.cli.output import console, emit, errors, readable_errors, show_progress, table

Product = Annotated[str, typer.Argument(help="Name of the product: the folder of its defs.yaml")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document")]


def build(
    product: Product,
    select: Annotated[
        list[str] | None, typer.Option("--select", "-s", help="Build only this asset (repeat for more)")
    ] = None,
    branch: Annotated[
        str | None, typer.Option(help="Build on this branch, created from main if it is new")
    ] = None,
    as_json: Json = False,
) -> None:
    """Build a product. Exit code 0: published or unchanged; 1: failed, with the reason."""
    from headwater.building import build as run_build

    show_progress(quiet=as_json)
    with readable_errors():
        result = run_build(product, select=select or [], branch=branch)
    rows: list[dict[str, Any]] = [
        {**item.summary(), "commit": item.commit[:10]} for item in result.assets.values()
    ]

    def show() -> None:
        columns = {
            "asset": "asset",
            "outcome": "outcome",
            "rows": "rows",
            "seconds": "seconds",
            "commit": "commit",
        }
        table(f"{product} on {result.branch}", rows, columns)
        if result.verdict:
            console.print(result.verdict)

    emit(
        as_json,
        {
            "product": product,
            "branch": result.branch,
            "run_id": result.run_id,
            "succeeded": result.succeeded,
            "verdict": result.verdict,
            "release": result.release,
            "reason": result.reason,
            "assets": {name: item.summary() for name, item in result.assets.items()},
        },
        show,
    )
    if not result.succeeded:
        errors.print(f"[red]failed:[/red] {result.reason}", soft_wrap=True)
        raise typer.Exit(1)
