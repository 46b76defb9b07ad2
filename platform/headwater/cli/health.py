"""`headwater doctor`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from headwater.cli.builds import Json
from headwater.cli.output import console, emit, readable_errors
from headwater.health import examine
from headwater.settings import Settings


def doctor(
    deep: Annotated[
        bool, typer.Option("--deep", help="Read every payload of the lake and check its digest")
    ] = False,
    create_repository: Annotated[
        str | None,
        typer.Option(
            metavar="NAMESPACE",
            help="Make a missing lakeFS repository in this storage namespace, e.g. s3://bucket/lake",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check installation, configuration and lake. Exit code 1 if something is wrong."""
    with readable_errors():
        findings = list(examine(Settings.from_environment(), deep=deep, create_in=create_repository))

    def show() -> None:
        for finding in findings:
            mark = "[green]ok[/green]  " if finding.ok else "[red]bad[/red] "
            console.print(f"{mark} {finding.area:<14}", end="")
            console.print(finding.what, markup=False, soft_wrap=True)
            if not finding.ok:
                console.print(f"{'':20}-> {finding.remedy}", markup=False, soft_wrap=True)

    emit(as_json, [asdict(finding) for finding in findings], show)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)
