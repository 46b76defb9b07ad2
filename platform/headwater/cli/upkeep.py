"""`headwater sweep`: clear up what nothing needs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from headwater.cli.builds import Json
from headwater.cli.output import console, emit, readable_errors
from headwater.settings import Settings
from headwater.versions.upkeep import clear, parse_age


def sweep(
    older_than: Annotated[str, typer.Option(help="What nobody touched for so long: 7d, 12h, 30m")] = "7d",
    apply: Annotated[
        bool, typer.Option("--apply", help="Remove it; without this, only say what would be")
    ] = False,
    as_json: Json = False,
) -> None:
    """Remove branches of dead runs, bytes that no branch and no tag needs, old caches and unfinished work."""
    with readable_errors():
        done = clear(Settings.from_environment(), older_than=parse_age(older_than), apply=apply)

    def show() -> None:
        verb = "removed" if done.applied else "would remove"
        lake = done.lake
        console.print(
            f"{verb} from the lake: {len(lake.branches)} branches of runs, {lake.payloads:,} payloads "
            f"({lake.freed / 1e6:,.1f} MB), {lake.views} fetched folders, {lake.leftovers} leftovers",
            soft_wrap=True,
        )
        for name in lake.branches:
            console.print(f"  {name}")
        console.print(f"{verb} from HEADWATER_HOME: {len(done.files)} entries ({done.bytes / 1e6:,.1f} MB)")
        for path in done.files:
            console.print(f"  {path}")
        if not done.applied:
            console.print("run it with --apply to do so")

    emit(as_json, asdict(done), show)
