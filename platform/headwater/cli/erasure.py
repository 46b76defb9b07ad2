"""`headwater forget`: erase documents on purpose, with a report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headwater.cli.builds import Json
from headwater.cli.output import console, emit, readable_errors, show_progress
from headwater.settings import Settings


def forget(
    product: Annotated[str, typer.Argument(help="Name of the product")],
    document: Annotated[str, typer.Option(help="The id of the document")] = "",
    uri: Annotated[str, typer.Option(help="Documents and files whose uri matches this glob")] = "",
    text: Annotated[str, typer.Option(help="Documents that hold exactly this text")] = "",
    reason: Annotated[str, typer.Option(help="Why, for the report and the list; no personal data")] = "",
    whole_files: Annotated[
        bool, typer.Option("--whole-files", help="Erase files that hold other documents too, with those")
    ] = False,
    sweep: Annotated[
        bool,
        typer.Option("--sweep", help="Delete it from past versions too; they cannot be read in full again"),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be erased")] = False,
    report: Annotated[
        Path | None, typer.Option(help="Folder of the report (default: HEADWATER_HOME/erasures)")
    ] = None,
    as_json: Json = False,
) -> None:
    """Erase documents from every later version, prove it, and list which past versions hold them.

    Exit code 0: complete; 2: something is left, and the report says what to do.
    """
    from headwater.versions.erasure_report import as_json as as_value
    from headwater.versions.erasure_report import markdown, write
    from headwater.versions.forgetting import find
    from headwater.versions.forgetting import forget as run
    from headwater.versions.selection import Wanted

    show_progress(quiet=as_json)
    with readable_errors():
        settings = Settings.from_environment()
        wanted = Wanted(document, uri, text)
        if dry_run:
            lake = settings.open_lake()
            head = lake.resolve(settings.branch)
            found, _, logged = find(settings, lake, head, product, wanted, whole_files=whole_files)
            uris, rows = [item.uri for item in found.documents], sorted(logged.ids)
            partial = dict(found.partial)
            value = {"documents": uris, "files": list(found.files), "partial": partial, "log_rows": rows}
            lines = [*uris, *found.files, *(f"inference/{row}" for row in rows)]
            emit(as_json, value, lambda: console.print("\n".join(lines), markup=False))
            return
        done = run(settings, product, wanted, reason=reason, whole_files=whole_files, sweep=sweep)
        paths = write(done, report or settings.home / "erasures")

    value = as_value(done)

    def show() -> None:
        console.print(markdown(value), markup=False, soft_wrap=True)
        console.print("written to " + " and ".join(map(str, paths)), soft_wrap=True)

    emit(as_json, value, show)
    if not done.complete:
        raise typer.Exit(2)
