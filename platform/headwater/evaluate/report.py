"""The report of an evaluation: one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headwater.evaluate.comparison import Compared
from headwater.evaluate.gate import Condition, Decision
from headwater.evaluate.group_bootstrap import Estimate
from headwater.evaluate.html import Html, joined, page, picture, table, tag
from headwater.evaluate.language_model import LanguageModelReport
from headwater.evaluate.language_model_report import language_model_section
from headwater.evaluate.metrics import MEASURES
from headwater.evaluate.retrieval import RetrievalEvaluation
from headwater.evaluate.shown import card, figure, interval, signed
from headwater.index.search import METHODS, Method

SHOWN_GROUPS = 30
FEW_GROUPS = 10
METHOD = (
    (
        "A passage is right if it belongs to a document that answers the question; a document counts once. "
        "recall@k is the share of the answering documents with a passage among the first k; MRR is 1 / rank "
        "of the first; nDCG discounts by log2(rank + 1). Hybrid is reciprocal rank fusion of dense and BM25."
    ),
    "Intervals are 95 % percentile bootstrap intervals over 2,000 resamples of whole groups, seeded.",
)
DETECTABLE = (
    "detectable: the smallest difference that this evaluation would see with a power of 80 %. What is "
    "smaller can pass or fail by chance; more questions, or questions in more groups, make it smaller."
)


@dataclass(frozen=True)
class Report:
    """All that a page shows. What is None was not part of the evaluation, and the page says so."""

    title: str
    retrieval: RetrievalEvaluation
    headline: Method
    index: Mapping[str, Any]
    pictures: Mapping[str, Path]
    language_model: LanguageModelReport | None = None
    compared: Sequence[Compared] | None = None
    decision: Decision | None = None
    notes: Sequence[str] = field(default_factory=tuple[str, ...])


def render(report: Report) -> str:
    """The page. It depends on the report alone: no clock, no script, nothing loaded from elsewhere."""
    retrieval = report.retrieval
    return page(
        report.title,
        tag("h1", report.title),
        tag("p", _about(report), cls="soft"),
        _verdict(report.decision),
        _cards(report),
        *(_retrieval_sections(report) if retrieval.questions else [_no_questions()]),
        language_model_section(report.language_model, report.pictures.get("loss")),
        _comparison(report.compared),
        _gate(report.decision),
        _method(report),
    )


def _about(report: Report) -> str:
    retrieval, index = report.retrieval, report.index
    kind = {"labelled": "labelled", "known_item": "known-item"}.get(retrieval.origin, "no")
    groups = len(retrieval.groups[report.headline])
    embedder = index["embedder"]
    return (
        f"{retrieval.questions:,} {kind} questions in {groups:,} groups, asked of {index['rows']:,} passages "
        f"({index['kind']} vector index, embedder {embedder['model']['package']} "
        f"{embedder['fingerprint'][:12]})"
    )


def _verdict(decision: Decision | None) -> Html:
    if decision is None:
        return Html("")
    if decision.passed:
        return tag("div", f"Gate passed: all {len(decision.conditions)} conditions hold.", cls="verdict good")
    names = ", ".join(condition.name for condition in decision.failed)
    count = f"{len(decision.failed)} of {len(decision.conditions)} conditions failed"
    return tag("div", f"Gate refused: {count}: {names}.", cls="verdict bad")


def _cards(report: Report) -> Html:
    cards: list[Html] = []
    averages = report.retrieval.averages
    for measure in ("recall@10", "ndcg@10") if averages else ():
        found = averages[f"{report.headline}/{measure}"]
        cards.append(card(f"{report.headline} {measure}", figure(found.value), interval(found)))
    lm = report.language_model
    if lm is not None and lm.loss_before is not None and lm.loss_after is not None:
        cards.append(
            card("held-out loss", figure(lm.loss_after.value), f"{figure(lm.loss_before.value)} before")
        )
    if lm is not None and lm.exact_match_before is not None and lm.exact_match_after is not None:
        before = f"{lm.exact_match_before.value:.0%} before fine-tuning"
        cards.append(card("right command", f"{lm.exact_match_after.value:.0%}", before))
    return tag("div", joined(cards), cls="cards")


def _no_questions() -> Html:
    return joined(
        [
            tag("h2", "Retrieval"),
            tag(
                "p", "There is no question to ask, so retrieval was not measured. See the asset `questions`."
            ),
        ]
    )


def _retrieval_sections(report: Report) -> list[Html]:
    retrieval, name = report.retrieval, report.headline
    groups, misses = retrieval.groups[name], retrieval.misses[name]
    pictures = [
        picture(report.pictures["recall"], "recall at 1, 5 and 10", "Recall with 95 % intervals."),
        picture(report.pictures["ranks"], "ranks", "Rank of the first right passage, share of questions."),
    ]
    return [
        tag("h2", "Retrieval"),
        _scores(retrieval),
        _differences(retrieval),
        tag("div", joined(pictures), cls="pair"),
        tag("h2", f"By group, worst first ({name})"),
        _groups(groups),
        tag("h2", f"The worst misses ({name})"),
        _misses(misses),
    ]


def _scores(retrieval: RetrievalEvaluation) -> Html:
    rows: list[list[object]] = []
    for measure in MEASURES:
        found = [retrieval.averages[f"{method}/{measure}"] for method in METHODS]
        best = max(item.value for item in found)
        rows.append([measure, *(_score(item, best=item.value == best) for item in found)])
    return table(["", *METHODS], rows, numbers=range(1, len(METHODS) + 1))


def _score(found: Estimate, *, best: bool) -> Html:
    value = tag("b", figure(found.value), cls="best") if best else Html(figure(found.value))
    return joined([value, tag("span", f" {interval(found)}", cls="interval")])


def _differences(retrieval: RetrievalEvaluation) -> Html:
    pairs = list(dict.fromkeys(name.partition("/")[0] for name in retrieval.differences))
    rows = [
        [measure, *(_difference(retrieval.differences[f"{pair}/{measure}"]) for pair in pairs)]
        for measure in MEASURES
    ]
    caption = "Differences on the same questions; coloured where the interval leaves out 0."
    return joined(
        [table(["", *pairs], rows, numbers=range(1, len(pairs) + 1)), tag("p", caption, cls="soft")]
    )


def _difference(found: Estimate, *, higher_is_better: bool = True) -> Html:
    sure = found.low > 0 or found.high < 0
    good = (found.value > 0) == higher_is_better
    colour = ("good" if good else "bad") if sure else ""
    return joined(
        [tag("span", signed(found.value), cls=colour), tag("span", f" {interval(found)}", cls="interval")]
    )


def _groups(groups: Sequence[Any]) -> Html:
    rows = [
        [
            item.group,
            item.questions,
            *(figure(item.scores[measure]) for measure in MEASURES),
            Html(f'<span class="bar"><i style="width:{item.scores["ndcg@10"]:.0%}"></i></span>'),
        ]
        for item in groups[:SHOWN_GROUPS]
    ]
    shown = table(["group", "questions", *MEASURES, ""], rows, numbers=range(1, len(MEASURES) + 2))
    rest = len(groups) - SHOWN_GROUPS
    return joined([shown, tag("p", f"and {rest} better groups", cls="soft") if rest > 0 else Html("")])


def _misses(misses: Sequence[Any]) -> Html:
    if not misses:
        return tag("p", "Every question found a right passage among the first 10.")
    rows = [
        [
            joined([item.question, tag("div", item.group, cls="interval")]),
            joined([item.expected, tag("div", _place(item.expected_rank), cls="interval")]),
            joined([item.found, tag("div", _shortened(item.found_text), cls="interval")]),
        ]
        for item in misses
    ]
    return table(["question", "expected", "found first"], rows)


def _place(rank: int) -> str:
    return f"at rank {rank}" if rank else "not among the first 100"


def _shortened(text: str, most: int = 160) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= most else f"{flat[:most].rstrip()} …"


def _comparison(compared: Sequence[Compared] | None) -> Html:
    heading = tag("h2", "Beside production")
    if compared is None:
        return joined([heading, tag("p", "Production holds no release of this product yet.")])
    rows = [
        [
            item.metric,
            figure(item.production),
            figure(item.candidate),
            _difference(item.difference, higher_is_better=item.higher_is_better)
            if item.difference
            else signed(item.candidate - item.production),
            item.common_questions or "",
        ]
        for item in compared
    ]
    headers = ["metric", "production", "this one", "difference", "common questions"]
    return joined([heading, table(headers, rows, numbers=(1, 2, 3, 4))])


def _gate(decision: Decision | None) -> Html:
    if decision is None:
        return Html("")
    rows = [
        [
            _mark(item),
            item.name,
            item.required,
            item.explanation,
            "" if item.adjusted_p is None else f"{item.adjusted_p:.4f}",
            "" if item.detectable is None else f"{item.detectable:.4f}",
        ]
        for item in decision.conditions
    ]
    headers = ["", "condition", "required", "measured", "p (Holm)", "detectable"]
    return joined([tag("h2", "Gate"), table(headers, rows, numbers=(4, 5)), tag("p", DETECTABLE, cls="soft")])


def _mark(condition: Condition) -> Html:
    return tag("b", "holds", cls="good") if condition.passed else tag("b", "fails", cls="bad")


def _method(report: Report) -> Html:
    groups = len(report.retrieval.groups[report.headline])
    few = f"With only {groups} groups the intervals are somewhat too narrow."
    lines = [*METHOD, *([few] if 0 < groups < FEW_GROUPS else []), *report.notes]
    return joined([tag("h2", "How it was measured"), *(tag("p", line, cls="soft") for line in lines)])
