"""Every command of `headwater`, grouped by what people want."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from headwater import __version__
from headwater.cli import (
    answers,
    branches,
    builds,
    ci,
    demo,
    erasure,
    generate,
    health,
    lake,
    lineage,
    loop,
    refused,
    releases,
    serve,
    upkeep,
    versions,
)

app = typer.Typer(
    name="headwater",
    help="Raw sources to curated datasets, an index, a fine-tuned model and a gated release.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    add_completion=False,
)

app.command("build")(builds.build)
app.command("status")(versions.status)
app.command("log")(versions.log)
app.command("diff")(versions.diff)
app.command("show")(versions.show)
app.command("search")(answers.search)
app.command("ask")(answers.ask)
app.command("serve")(serve.serve)
app.command("generate")(generate.generate)
app.add_typer(branches.branch, name="branch")
app.command("compare")(branches.compare)
app.command("promote")(branches.promote)
app.command("ci")(ci.ci)
app.command("releases")(releases.releases)
app.command("rollback")(releases.rollback)
app.command("refused")(refused.refused)
app.command("lineage")(lineage.lineage)
app.command("reproduce")(releases.reproduce)
app.command("forget")(erasure.forget)
app.command("sweep")(upkeep.sweep)
app.add_typer(lake.lake, name="lake")
app.command("doctor")(health.doctor)
app.command("demo")(demo.demo)
app.command("loop")(loop.loop)


@app.callback()
def _options(  # pyright: ignore[reportUnusedFunction]
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit")] = False,
) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


def main() -> None:
    """Entry point of the console script."""
    # Read when torch loads: idle threads sleep instead of spinning, which matters on shared cores.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    app()
