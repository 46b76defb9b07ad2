"""`headwater ci`: what a pull request would do, judged."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from headwater.cli.builds import Json
from headwater.cli.output import console, emit, readable_errors, show_progress
from headwater.settings import MAIN, Settings


def ci(
    base: Annotated[str, typer.Option(help="The branch that the change is to be merged into")] = MAIN,
    product: Annotated[
        list[str] | None, typer.Option("--product", help="Check only this product (repeat for more)")
    ] = None,
    commit: Annotated[
        str, typer.Option(help="The Git commit that is checked (default: the current one)")
    ] = "",
    summary: Annotated[Path | None, typer.Option(help="Append the Markdown summary to this file")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the branch for inspection")] = False,
    as_json: Json = False,
) -> None:
    """Build on a branch of its own and judge. Exit code 0: passed; 1: a build failed; 2: the gate refused."""
    from headwater.versions.ci import check
    from headwater.versions.summary import markdown

    show_progress(quiet=as_json)
    with readable_errors():
        checked = check(Settings.from_environment(), product or (), base=base, commit=commit, keep=keep)
    text = markdown(checked)
    if summary is not None:
        with summary.open("a", encoding="utf-8") as stream:
            stream.write(text)
    emit(
        as_json,
        {**asdict(checked), "exit_code": checked.exit_code},
        lambda: console.print(text, markup=False, soft_wrap=True),
    )
    raise typer.Exit(checked.exit_code)
