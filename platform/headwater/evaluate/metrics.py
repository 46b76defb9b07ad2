"""The metrics by name: what each means, and which way is better."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from headwater.index.search import METHODS

DEPTH = 10

MEASURES = {
    "recall@1": "recall_at_1",
    "recall@5": "recall_at_5",
    "recall@10": "recall_at_10",
    "mrr@10": "mrr_at_10",
    "ndcg@10": "ndcg_at_10",
}
"""Measure -> column of the retrieval results."""


@dataclass(frozen=True)
class Metric:
    """A number that an evaluation reports. `column` is set where every question has a value of its own."""

    name: str
    description: str
    higher_is_better: bool
    retriever: str = ""
    column: str = ""


_RETRIEVAL = [
    Metric(f"{method}/{measure}", f"{measure} of {method} retrieval", True, method, column)
    for method in METHODS
    for measure, column in MEASURES.items()
]
_LANGUAGE_MODEL = [
    Metric(f"language_model/{name}_{moment}", f"{what}, {when}", higher)
    for name, what, higher in (
        ("loss", "Held-out loss in nats a token", False),
        ("perplexity", "exp(held-out loss)", False),
        ("exact_match", "Share of answers that begin with the right command", True),
        ("chrf", "Mean chrF of the answers, 0 to 100", True),
        ("chrf_corpus", "chrF of all answers together, 0 to 100", True),
    )
    for moment, when in (
        ("before", "base model"),
        ("after", "fine-tuned model"),
        ("change", "fine-tuned minus base model"),
    )
    if (name, moment) not in {("perplexity", "change"), ("chrf_corpus", "change")}
]
METRICS = {metric.name: metric for metric in [*_RETRIEVAL, *_LANGUAGE_MODEL]}


def require_known(names: Collection[str]) -> None:
    """Raises `ValueError` that names the unknown metrics and all known ones."""
    unknown = sorted(set(names) - set(METRICS))
    if unknown:
        raise ValueError(
            f"unknown metric {', '.join(map(repr, unknown))}; expected one of: {', '.join(METRICS)}"
        )


def judge(ranked: Sequence[int], relevant: Collection[int]) -> dict[str, float]:
    """Scores of one question from the documents of the ranked passages (best first, repeats as they come).

    Passages are what a reader or a prompt gets, so ranks count passages; they are judged by document,
    since any passage of the right document leads there. A document counts once, at its first passage.
    `rank` is 0 when no answering document is among the first 10 passages.
    """
    wanted = set(relevant)
    first: dict[int, int] = {}
    for rank, document in enumerate(ranked[:DEPTH], 1):
        if document in wanted:
            first.setdefault(document, rank)
    rank = min(first.values(), default=0)
    gain = sum(1.0 / math.log2(place + 1) for place in first.values())
    ideal = sum(1.0 / math.log2(place + 1) for place in range(1, min(len(wanted), DEPTH) + 1))
    return {
        "rank": rank,
        **{f"recall_at_{k}": sum(place <= k for place in first.values()) / len(wanted) for k in (1, 5, 10)},
        "mrr_at_10": 1.0 / rank if rank else 0.0,
        "ndcg_at_10": gain / ideal,
    }
