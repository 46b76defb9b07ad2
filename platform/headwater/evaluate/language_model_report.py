"""The language model's part of the report."""

from __future__ import annotations

from pathlib import Path

from headwater.evaluate.group_bootstrap import Estimate
from headwater.evaluate.html import Html, joined, picture, table, tag
from headwater.evaluate.language_model import LanguageModelReport, Sample
from headwater.evaluate.shown import figure, interval, signed

_HEADERS = ("", "base model", "fine-tuned", "change")


def language_model_section(report: LanguageModelReport | None, loss_curve: Path | None) -> Html:
    """Figures before and after, the loss curve and sample answers."""
    heading = tag("h2", "Language model")
    if report is None:
        return joined([heading, tag("p", "This product has no language model.")])
    about = (
        f"Fine-tuned model beside its base model on {report.examples} held-out examples "
        f"({report.generated} answered) from {len(report.groups)} groups that were never trained on."
    )
    curve = (
        picture(loss_curve, "training loss", "Training loss by step.") if loss_curve is not None else Html("")
    )
    return joined(
        [
            heading,
            tag("p", about),
            *(tag("p", note, cls="soft") for note in report.notes),
            _figures(report),
            curve,
            tag("h3", "Sample answers") if report.samples else Html(""),
            *(_sample(sample) for sample in report.samples),
        ]
    )


def _figures(report: LanguageModelReport) -> Html:
    rows = [
        ("loss, nats a token", report.loss_before, report.loss_after, report.loss_change),
        ("perplexity", report.perplexity_before, report.perplexity_after, None),
        ("right command", report.exact_match_before, report.exact_match_after, report.exact_match_change),
        ("chrF", report.chrf_before, report.chrf_after, report.chrf_change),
    ]
    cells = [
        [name, _cell(before), _cell(after), _change(change)]
        for name, before, after, change in rows
        if before is not None and after is not None
    ]
    return table(_HEADERS, cells, numbers=(1, 2, 3)) if cells else tag("p", "Nothing could be measured.")


def _cell(found: Estimate) -> Html:
    return joined([figure(found.value), tag("span", f" {interval(found)}", cls="interval")])


def _change(found: Estimate | None) -> Html:
    if found is None:
        return Html("")
    return joined([signed(found.value), tag("span", f" {interval(found)}", cls="interval")])


def _sample(sample: Sample) -> Html:
    shown = [
        ("prompt", sample.prompt),
        ("expected", sample.expected),
        ("before", sample.before),
        ("after", sample.after),
    ]
    parts = [joined([tag("dt", name), tag("dd", tag("pre", text))]) for name, text in shown]
    return tag("div", tag("dl", joined(parts)), cls="sample")
