"""`headwater releases`, `rollback` and `reproduce`: what is in production, was, and can be made again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

import typer

from headwater.cli.builds import Json
from headwater.cli.output import console, emit, readable_errors, show_progress, table
from headwater.settings import Settings

HEADLINE = {"hybrid/recall@10": "recall@10", "hybrid/mrr@10": "mrr@10", "language_model/loss_after": "loss"}


def releases(
    product: Annotated[str | None, typer.Argument(help="Only this product")] = None,
    as_json: Json = False,
) -> None:
    """Every release with commit, date, scores, model, index, reference profile and data versions."""
    from headwater.versions.releases import details, released_products

    with readable_errors():
        lake = Settings.from_environment().open_lake()
        names = [product] if product else released_products(lake)
        found = [release for name in names for release in details(lake, name)]
    rows: list[dict[str, Any]] = [
        {**asdict(item), "time": item.time.isoformat(timespec="seconds")} for item in found
    ]

    def show() -> None:
        if not rows:
            console.print("nothing was released yet: headwater build PRODUCT")
            return
        columns = {
            key: HEADLINE.get(key, key)
            for key in ("release", "production", "commit", "time", *HEADLINE, "model", "index", "profile")
        }
        table("", [_row(row) for row in rows], columns)

    emit(as_json, rows, show)


def rollback(
    product: Annotated[str, typer.Argument(help="Name of the product")],
    release: Annotated[str, typer.Argument(help="The release to go to (default: the one before)")] = "",
    as_json: Json = False,
) -> None:
    """Move production back to an earlier release, in one commit; history is kept."""
    from headwater.versions.releases import rollback as run

    with readable_errors():
        settings = Settings.from_environment()
        done = run(settings.open_lake(), product, release, home=settings.home)

    def show() -> None:
        if done.moved:
            console.print(f"production holds {done.release} again (before: {done.before or 'none'}), "
                          f"commit {done.commit[:12]}", soft_wrap=True)  # fmt: skip
        else:
            console.print(f"production holds {done.release} already")

    emit(as_json, asdict(done), show)


def reproduce(
    product: Annotated[str, typer.Argument(help="Name of the product")],
    release: Annotated[str, typer.Argument(help="The release (default: the one in production)")] = "",
    as_json: Json = False,
) -> None:
    """Rebuild a release from its recorded raw inputs and compare. Exit code 0: equal; 2: not."""
    from headwater.versions.reproduce import reproduce as run

    show_progress(quiet=as_json)
    with readable_errors():
        found = run(Settings.from_environment(), product, release)

    def show() -> None:
        rows = [
            {
                "asset": item.asset,
                "verdict": item.verdict,
                "recorded": item.recorded[:12],
                "made": item.made[:12],
                "why": "; ".join(item.why),
            }
            for item in found.assets
        ]
        table(f"{found.release}: {found.equal} of {len(rows)} assets are equal, byte for byte", rows,
              {key: key for key in ("asset", "verdict", "recorded", "made", "why")})  # fmt: skip
        metrics = [asdict(change) for item in found.assets for change in item.metrics]
        if metrics:
            table(
                "Metrics", metrics, {"name": "metric", "left": "recorded", "right": "made", "direction": ""}
            )

    emit(as_json, {**asdict(found), "reproduced": found.reproduced}, show)
    if not found.reproduced:
        raise typer.Exit(2)


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "release": row["name"],
        "production": "holds it" if row["in_production"] else "",
        "commit": row["commit"][:12],
        "time": row["time"][:16].replace("T", " "),
        **{name: round(row["scores"][name], 3) if name in row["scores"] else "" for name in HEADLINE},
        **{name: row["versions"].get(name, "")[:12] for name in ("model", "index", "profile")},
    }
