"""`headwater loop`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headwater.cli.output import console, errors, readable_errors, show_progress


def loop(
    folder: Annotated[
        Path, typer.Option(help="Where everything is written; what it holds is replaced")
    ] = Path(".headwater-loop"),
    ui_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of Dagster's UI")] = 3070,
    keep: Annotated[bool, typer.Option("--keep", help="Leave service and UI running until Ctrl-C")] = False,
) -> None:
    """Go round the whole circle once: release, serve, drift, refresh, gate, swap, rollback."""
    show_progress(quiet=True)
    with readable_errors():
        from headwater.loop.play import LoopFailed, play
        from headwater.loop.processes import ProcessFailed
        from headwater.loop.scenario import Stage

        try:
            play(Stage(folder.absolute()), ui_port=ui_port, keep=keep)
        except (LoopFailed, ProcessFailed) as error:
            errors.print(f"[red]the loop did not close:[/red] {error}", soft_wrap=True)
            raise typer.Exit(1) from error
    console.print(f"\nThe timeline is kept in {folder / 'timeline.md'}; every run is in Dagster's UI:")
    console.print(f"[bold]make loop-ui[/bold], then http://127.0.0.1:{ui_port}")
