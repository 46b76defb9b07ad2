"""`headwater forget`: erase documents or a person on purpose, with a report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headwater.cli.builds import Json
from headwater.cli.output import console, emit, readable_errors, show_progress
from headwater.settings import Settings

if TYPE_CHECKING:
    from headwater.versions.people import Person, PersonTraces
    from headwater.versions.selection import Wanted


def forget(
    product: Annotated[str, typer.Argument(help="Name of the product")],
    document: Annotated[str, typer.Option(help="The id of the document")] = "",
    uri: Annotated[str, typer.Option(help="Documents and files whose uri matches this glob")] = "",
    text: Annotated[str, typer.Option(help="Documents that hold exactly this text")] = "",
    user: Annotated[
        str, typer.Option(help="What this user asked and judged: the id as the client sends it")
    ] = "",
    session: Annotated[
        str, typer.Option(help="What was asked in this session: the id as the client sends it")
    ] = "",
    pseudonym: Annotated[
        str, typer.Option(help="The same by the 16 hex digits that the inference log keeps instead of the id")
    ] = "",
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
    """Erase documents, or what a person asked and judged; prove it, and list the past versions that hold it.

    Give exactly one of --document, --uri, --text, --user, --session and --pseudonym.

    Later versions are built without it. Past ones keep it until --sweep.

    The same command again goes on with what is left, also after it was cut short.

    Exit code 0: complete; 2: something is left, and the report says what to do.
    """
    from headwater.versions.erasure_report import as_json as as_value
    from headwater.versions.erasure_report import markdown, write
    from headwater.versions.forgetting import forget as run

    show_progress(quiet=as_json)
    with readable_errors():
        settings = Settings.from_environment()
        meant = {"document": document, "uri": uri, "text": text, "user": user, "session": session}
        wanted = _wanted(settings, product, {**meant, "pseudonym": pseudonym})
        if dry_run:
            _dry_run(settings, product, wanted, whole_files=whole_files, as_json=as_json)
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


def _wanted(settings: Settings, product: str, meant: dict[str, str]) -> Wanted | Person:
    """What the options mean. Raises `ValueError` unless it is exactly one thing."""
    from headwater.versions.people import Person
    from headwater.versions.selection import Wanted

    given = {name: value for name, value in meant.items() if value}
    if len(given) != 1:
        named = ", ".join(f"--{name}" for name in meant)
        raise ValueError(f"expected exactly one of {named}; got {' and '.join(given) or 'none'}")
    ((name, value),) = given.items()
    if name == "pseudonym":
        return Person(frozenset({value}))
    if name in ("user", "session"):
        return Person.called(name, value, home=settings.home, product=product)
    return Wanted(**given)


def _dry_run(
    settings: Settings, product: str, wanted: Wanted | Person, *, whole_files: bool, as_json: bool
) -> None:
    from headwater.versions.forgetting import find
    from headwater.versions.people import PersonTraces
    from headwater.versions.traces import Scanner

    lake = settings.open_lake()
    head = lake.resolve(settings.branch)
    found, marks, logged = find(settings, lake, head, product, wanted, whole_files=whole_files)
    if isinstance(logged, PersonTraces):
        held = Scanner(lake, product, marks).held(head)
        _show_person(
            product, head, logged, {name: sum(paths.values()) for name, paths in held.items()}, as_json
        )
        return
    uris, rows = [item.uri for item in found.documents], sorted(logged.ids)
    value = {"documents": uris, "files": list(found.files), "partial": dict(found.partial), "log_rows": rows}
    lines = [*uris, *found.files, *(f"inference/{row}" for row in rows)]
    emit(as_json, value, lambda: console.print("\n".join(lines), markup=False))


def _show_person(product: str, head: str, traces: PersonTraces, held: dict[str, int], as_json: bool) -> None:
    value: dict[str, Any] = {
        "pseudonyms": sorted(traces.pseudonyms),
        "in_windows": len(traces.windows),
        "in_segments_here": len(traces.waiting),
        "in_past_windows_only": len(traces.past),
        "labels": len(traces.labels),
        "was_in": held,
    }

    def show() -> None:
        console.print(f"{product} at {head[:12]}: would erase of {' or '.join(value['pseudonyms'])}")
        console.print(f"  {len(traces.windows):,} requests and judgements in windows")
        console.print(f"  {len(traces.waiting):,} in segments on this machine")
        console.print(f"  {len(traces.past):,} that only past versions hold")
        console.print(f"  {len(traces.labels):,} labels made from them, in any version")
        for asset, matches in held.items():
            console.print(f"  {asset}: {matches:,} rows or places, built again without them")

    emit(as_json, value, show)
