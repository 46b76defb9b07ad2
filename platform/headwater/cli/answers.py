"""`headwater search` and `headwater ask`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from headwater.cli.builds import Json, Product
from headwater.cli.output import console, emit, readable_errors
from headwater.serve import Answer, Citation, open_release
from headwater.settings import Settings

Ref = Annotated[str | None, typer.Option(help="Ask this branch, tag or commit instead of the release")]


def search(
    product: Product,
    query: Annotated[str, typer.Argument(help="What to look for")],
    k: Annotated[int, typer.Option("-k", min=1, max=100, help="How many passages")] = 5,
    method: Annotated[str, typer.Option(help="dense, bm25 or hybrid")] = "hybrid",
    ref: Ref = None,
    as_json: Json = False,
) -> None:
    """Find passages in a product's release."""
    with readable_errors():
        hits = open_release(Settings.from_environment().open_lake(), product, ref).search(query, k, method)
    emit(as_json, [asdict(hit) for hit in hits], lambda: print_hits(hits))


def ask(
    product: Product,
    question: Annotated[str, typer.Argument(help="The question")],
    ref: Ref = None,
    as_json: Json = False,
) -> None:
    """Answer a question from a product's release, with citations."""
    with readable_errors():
        answer = open_release(Settings.from_environment().open_lake(), product, ref).ask(question)
    emit(as_json, asdict(answer), lambda: print_answer(answer))


def print_hits(hits: list[Citation]) -> None:
    """One line per passage and the beginning of its text."""
    for hit in hits:
        console.print(
            f"[bold]{hit.rank}. {hit.title or hit.uri}[/bold]  [dim]{hit.score:.4f}  {hit.uri}[/dim]"
        )
        console.print("   " + " ".join(hit.text.split())[:160], markup=False)


def print_answer(answer: Answer) -> None:
    """The answer, then what it was given."""
    console.print(answer.text, markup=False, style="bold")
    console.print()
    for hit in answer.citations:
        console.print(
            f"[dim]\\[{hit.rank}][/dim] {hit.title or hit.uri}  "
            f"[dim]{hit.uri}, characters {hit.start}-{hit.end}, raw {hit.raw_digest[:12]}[/dim]"
        )
    console.print(f"[dim]from {answer.release or 'an unreleased build'}, commit {answer.commit[:12]}[/dim]")
