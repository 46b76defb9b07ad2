"""`headwater demo`: build a product, show what came out, search it, ask it, and say where to look next."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from headwater.building import BuildResult
from headwater.cli.answers import print_answer, print_hits
from headwater.cli.output import console, errors, readable_errors, show_progress, table
from headwater.lake.records import Record, read_record
from headwater.serve import open_release
from headwater.settings import Settings
from headwater.tables import read_json

EXAMPLES = {"aws_assistant": ("store a secret and rotate it", "How do I list the users in my account?")}
EXAMPLE = ("licence and warranty", "What does the licence allow?")


def demo(
    product: Annotated[str, typer.Argument(help="The product to build")] = "aws_assistant",
) -> None:
    """Build a product from its sources to a release, and show it."""
    from headwater.building import build

    show_progress(quiet=False)
    started = time.perf_counter()
    with readable_errors():
        result = build(product)
    if not result.succeeded:
        errors.print(f"[red]failed:[/red] {result.reason}", soft_wrap=True)
        raise typer.Exit(1)
    with readable_errors():
        _report(product, result, time.perf_counter() - started)
        _try(product)
    console.print("\nSee it all in the browser: [bold]make up[/bold], then http://127.0.0.1:3000")


def _report(product: str, result: BuildResult, seconds: float) -> None:
    settings = Settings.from_environment()
    lake = settings.open_lake()
    records: dict[str, Record] = {}
    for name in result.assets:
        record = read_record(lake, settings.branch, product, name)
        if record is not None:
            records[name] = record
    console.print()
    rows: list[dict[str, Any]] = [
        {
            "asset": name,
            "outcome": item.outcome,
            "rows": item.rows,
            "refused": _refused(records[name].refused) if name in records else "",
            "size": _megabytes(records[name].bytes) if name in records else "",
            "seconds": round(item.seconds, 1),
        }
        for name, item in result.assets.items()
    ]
    columns = {key: key for key in ("asset", "outcome", "rows", "size", "seconds", "refused")}
    table(f"{product}: {seconds:.0f} s", rows, columns)
    evaluation = read_json(lake.fetch(settings.branch, f"{product}/evaluation/evaluation.json"))
    console.print()
    _scores(evaluation["metrics"])
    console.print(f"\n[bold]{result.verdict}[/bold]")


def _scores(metrics: Mapping[str, float]) -> None:
    names = ("recall@1", "recall@5", "recall@10", "mrr@10", "ndcg@10")
    retrievers = list(dict.fromkeys(key.split("/")[0] for key in metrics if key.split("/")[-1] in names))
    rows = [
        {"retriever": retriever, **{name: round(metrics[f"{retriever}/{name}"], 3) for name in names}}
        for retriever in retrievers
    ]
    table("Retrieval", rows, {"retriever": "", **{name: name for name in names}})
    model = [
        {
            "measure": label,
            "before": round(metrics[f"language_model/{key}_before"], 3),
            "after": round(metrics[f"language_model/{key}_after"], 3),
        }
        for key, label in {
            "loss": "held-out loss",
            "perplexity": "held-out perplexity",
            "exact_match": "right service and operation",
            "chrf": "chrF of the command",
        }.items()
        if f"language_model/{key}_before" in metrics
    ]
    if model:
        console.print()
        table("Fine-tuning", model, {"measure": "", "before": "before", "after": "after"})


def _try(product: str) -> None:
    query, question = EXAMPLES.get(product, EXAMPLE)
    released = open_release(Settings.from_environment().open_lake(), product)
    console.print(f"\n[dim]$ headwater search {product} '{query}'[/dim]")
    print_hits(released.search(query, 3))
    console.print(f"\n[dim]$ headwater ask {product} '{question}'[/dim]")
    print_answer(released.ask(question))


def _refused(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {reason}" for reason, count in sorted(counts.items(), key=lambda kv: -kv[1]))


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
