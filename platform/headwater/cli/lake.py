"""`headwater lake`: what concerns the lake as a whole."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from headwater.cli.builds import Json
from headwater.cli.output import console, emit, readable_errors, show_progress
from headwater.lake.copying import Copied, copy_lake
from headwater.lake.embedded import EmbeddedLake
from headwater.settings import DOWNLOADS, Settings

lake = typer.Typer(help="The lake as a whole.", no_args_is_help=True)


@lake.command("copy")
def copy(
    to: Annotated[
        str,
        typer.Option(
            envvar="HEADWATER_COPY_TO",
            metavar="LOCATION",
            help="The repository: lakefs://host[:port]/repository, empty or filled by an earlier call",
        ),
    ],
    source: Annotated[
        str, typer.Option("--from", metavar="LOCATION", help="The lake to copy (default: HEADWATER_LAKE)")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be copied")] = False,
    as_json: Json = False,
) -> None:
    """Move a lake with all its history into lakeFS. Call it again to continue, or to bring what is new.

    Nothing is changed in the source. Exit code 0: every branch and tag is the same on both sides.
    """
    from headwater.lake.lakefs import LakeFSLake

    show_progress(quiet=as_json)
    with readable_errors():
        settings = Settings.from_environment()
        location = source or settings.lake
        if "://" not in location and not Path(location).is_dir():
            raise ValueError(f"there is no lake in {location}")
        target = LakeFSLake(to, settings.cache / DOWNLOADS)
        done = copy_lake(settings.open_lake(location), target, dry_run=dry_run)
    emit(as_json, asdict(done), lambda: _show(done, to))


@lake.command("undo-deltas")
def undo_deltas(as_json: Json = False) -> None:
    """Store all of the past as whole files, before another release of the package zstandard is installed.

    Only the embedded lake keeps deltas. Needs the room that all versions take together.
    """
    with readable_errors():
        found = Settings.from_environment().open_lake()
        if not isinstance(found, EmbeddedLake):
            raise ValueError(
                "HEADWATER_LAKE: expected the folder of an embedded lake, which alone keeps deltas"
            )
        count, size = found.undo_deltas()
    emit(
        as_json,
        {"payloads": count, "bytes": size},
        lambda: console.print(f"made {count:,} payloads whole, {size / 1e6:,.1f} MB of deltas removed"),
    )


def _show(done: Copied, to: str) -> None:
    verb = "would make" if done.dry_run else "made"
    lines = [f"{verb} {done.made:,} of {done.commits:,} commits in {to}"]
    sent = f"{done.payloads:,} objects with {done.bytes / 1e6:,.1f} MB"
    lines.append(f"bytes sent once: {sent}; {done.shared:,} more share bytes on the server")
    if done.decided:
        lines.append(f"{len(done.decided):,} merges have an extra commit: lakeFS would decide them otherwise")
    if done.lost:
        lines.append(f"{len(done.lost):,} objects of old versions are left out: their bytes were erased")
    refs = f"{len(done.branches):,} branches and {len(done.tags):,} tags"
    lines.append(f"{refs} to copy" if done.dry_run else f"{refs} are the same on both sides")
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)
