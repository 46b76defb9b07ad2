"""`headwater generate`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from headwater.cli.answers import Ref
from headwater.cli.builds import Json, Product
from headwater.cli.output import console, emit, readable_errors
from headwater.settings import Settings


def generate(
    product: Product,
    source: Annotated[
        Path, typer.Option("--input", help='JSON lines, each {"question": "…"}, optionally with "id"')
    ],
    target: Annotated[
        Path, typer.Option("--output", help="JSON lines, each an answer, or an error that says why not")
    ],
    ref: Ref = None,
    as_json: Json = False,
) -> None:
    """Answer a file of questions from a product's release; run it again to continue after a kill."""
    from headwater.serve import batch, open_release

    with readable_errors():
        released = open_release(Settings.from_environment().open_lake(), product, ref)
        outcome = batch.generate(released, source, target)

    def show() -> None:
        begun = f", continued after line {outcome.continued_from}" if outcome.continued_from else ""
        console.print(
            f"{outcome.lines} lines{begun}: {outcome.answered} answered, "
            f"{outcome.uncovered} not covered, {outcome.refused} refused"
            + (f' ("error" in {target} says why)' if outcome.refused else ""),
            soft_wrap=True,
        )

    emit(as_json, asdict(outcome), show)
