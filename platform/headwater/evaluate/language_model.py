"""What fine-tuning changed: loss, perplexity, exact match and chrF on groups that were never trained on."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from headwater.evaluate.answers import chrf_scores, command_of, leading_words_match
from headwater.evaluate.group_bootstrap import Estimate, GroupBootstrap
from headwater.evaluate.judge import Judged, judge_request, read_judged
from headwater.tables import read_rows
from headwater.train.process import run_workers
from headwater.train.splits import unit_hash
from headwater.workspace import Progress

NOT_APPLICABLE = "not applicable: the expected answers are passages, not commands"


Runner = Callable[[Sequence[Mapping[str, Any]], Path, Progress], None]
"""Has requests of `judge` run; each leaves its result."""


class LanguageModelEvaluation(BaseModel):
    """How much is judged, and how.

    The first `max_loss_examples` of the test split in hashed order give the loss; the first `max_generated`
    of these are also answered, with at most `max_new_tokens` each. `max_tokens` cuts prompt and completion
    for the loss as training does. `exact_words`: how many leading words must be right, by default those of
    `aws <service> <operation>`. `threads`: of each of the two processes, part of the results' last bits.
    Intervals are percentile bootstrap at `confidence`, resampling whole groups.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_loss_examples: int = Field(default=32, ge=1)
    max_generated: int = Field(default=24, ge=0)
    max_new_tokens: int = Field(default=48, ge=1)
    max_tokens: int = Field(default=192, ge=16)
    exact_words: int = Field(default=3, ge=1)
    samples: int = Field(default=8, ge=0)
    batch_size: int = Field(default=12, ge=1)
    threads: int = Field(default=1, ge=1)
    resamples: int = Field(default=2000, ge=100)
    confidence: float = Field(default=0.95, gt=0, lt=1)
    seed: int = 0


@dataclass(frozen=True)
class Sample:
    """One question of the test split and its answers."""

    uri: str
    group: str
    prompt: str
    expected: str
    before: str
    after: str


@dataclass(frozen=True)
class LanguageModelReport:
    """The base model (before) beside the fine-tuned one (after), on the test split.

    Losses are nats per completion token, weighted by tokens; exact match is a share; chrF goes from 0 to 100.
    `…_change` is after minus before on the same examples. What could not be measured is None, and `notes`
    say why.
    """

    examples: int
    generated: int
    groups: tuple[str, ...]
    resampled_by: str
    loss_before: Estimate | None = None
    loss_after: Estimate | None = None
    loss_change: Estimate | None = None
    perplexity_before: Estimate | None = None
    perplexity_after: Estimate | None = None
    exact_match_before: Estimate | None = None
    exact_match_after: Estimate | None = None
    exact_match_change: Estimate | None = None
    chrf_before: Estimate | None = None
    chrf_after: Estimate | None = None
    chrf_change: Estimate | None = None
    chrf_corpus_before: float | None = None
    chrf_corpus_after: float | None = None
    samples: tuple[Sample, ...] = ()
    notes: tuple[str, ...] = ()

    def metrics(self) -> dict[str, float]:
        """The measured figures by name, for the gate and the plots: `loss_after`, `chrf_change`, …"""
        figures: dict[str, float] = {"examples": float(self.examples), "generated": float(self.generated)}
        for name, value in vars(self).items():
            if isinstance(value, Estimate):
                figures[name] = value.value
            elif isinstance(value, float):
                figures[name] = value
        return figures


def _in_processes(requests: Sequence[Mapping[str, Any]], scratch: Path, progress: Progress) -> None:
    run_workers("headwater.evaluate.judge", requests, scratch, progress)


def evaluate_language_model(
    base_model: Path,
    model: Path,
    training_set: Path,
    config: LanguageModelEvaluation,
    scratch: Path,
    progress: Progress,
    *,
    cache: Path | None = None,
    run: Runner = _in_processes,
) -> LanguageModelReport:
    """Judge the adapter in `model` against the bare `base_model` on the test split of `training_set`.

    All but the last are folders of these assets. What the bare model does depends on it and the examples
    alone; it is kept in `cache` (default `scratch`) for the next evaluation. The two models are judged at the
    same time by `run`, each in a process with `threads` threads. An empty test split gives a report without
    figures that says so. Raises `WorkerFailed` when a process ended badly.
    """
    rows = [row for row in read_rows(training_set) if row["split"] == "test"]
    rows.sort(key=lambda row: (unit_hash(config.seed, row["example_id"]), row["example_id"]))
    rows = rows[: config.max_loss_examples]
    if not rows:
        return LanguageModelReport(0, 0, (), "nothing", notes=("the test split holds no example",))
    settings = config.model_dump(include={"max_tokens", "max_generated", "max_new_tokens", "batch_size"})
    requests = [
        judge_request(name, base_model, adapter, rows, settings, config.threads, folder)
        for name, adapter, folder in (("before", None, cache or scratch), ("after", model, scratch))
    ]
    missing = [request for request in requests if not Path(request["result"]).is_file()]
    if missing:
        run(missing, scratch, progress)
    before, after = (read_judged(Path(request["result"])) for request in requests)
    return _report(rows, before, after, config)


def _report(
    rows: Sequence[Mapping[str, Any]], before: Judged, after: Judged, config: LanguageModelEvaluation
) -> LanguageModelReport:
    groups = [str(row["group"]) for row in rows]
    interval = _interval(rows, config)
    answered = rows[: config.max_generated]
    notes: list[str] = []
    left_out = sum(count == 0 for count in before.tokens)
    if left_out:
        notes.append(f"{left_out} examples have a prompt beyond {config.max_tokens} tokens: no loss taken")
    figures: dict[str, Any] = {}
    if left_out < len(rows):
        loss = interval.compare(before.losses, after.losses, before.tokens)
        figures |= dict(zip(("loss_before", "loss_after", "loss_change"), loss, strict=True))
        figures |= {"perplexity_before": _exponential(loss[0]), "perplexity_after": _exponential(loss[1])}
    if answered:
        figures |= _score_answers(answered, before.answers, after.answers, config, notes)
    return LanguageModelReport(
        examples=len(rows) - left_out,
        generated=len(answered),
        groups=tuple(sorted(set(groups))),
        resampled_by=interval.unit,
        samples=tuple(
            Sample(row["uri"], row["group"], row["prompt"], row["completion"], *answers)
            for row, *answers in zip(answered, before.answers, after.answers, strict=True)
        )[: config.samples],
        notes=tuple(notes),
        **figures,
    )


def _score_answers(
    rows: Sequence[Mapping[str, Any]],
    before: Sequence[str],
    after: Sequence[str],
    config: LanguageModelEvaluation,
    notes: list[str],
) -> dict[str, Any]:
    """chrF and exact match; `notes` gains what does not apply."""
    expected = [str(row["completion"]) for row in rows]
    commands = all(row["origin"] == "labelled" for row in rows)
    given = [_commands(one, expected) if commands else list(one) for one in (before, after)]
    interval = _interval(rows, config)
    ones = [1.0] * len(rows)
    (each_before, corpus_before), (each_after, corpus_after) = (chrf_scores(one, expected) for one in given)
    names = ("before", "after", "change")
    chrf = interval.compare(each_before, each_after, ones)
    figures: dict[str, Any] = {f"chrf_{name}": value for name, value in zip(names, chrf, strict=True)}
    figures |= {"chrf_corpus_before": corpus_before, "chrf_corpus_after": corpus_after}
    if not commands:
        notes.append(f"exact match: {NOT_APPLICABLE}")
        return figures
    hits_before, hits_after = (
        [
            float(leading_words_match(answer, want, config.exact_words))
            for answer, want in zip(one, expected, strict=True)
        ]
        for one in given
    )
    match = interval.compare(hits_before, hits_after, ones)
    return figures | {f"exact_match_{name}": value for name, value in zip(names, match, strict=True)}


def _commands(answers: Sequence[str], expected: Sequence[str]) -> list[str]:
    return [command_of(answer, want.split()[0]) for answer, want in zip(answers, expected, strict=True)]


def _interval(rows: Sequence[Mapping[str, Any]], config: LanguageModelEvaluation) -> GroupBootstrap:
    return GroupBootstrap(
        [str(row["group"]) for row in rows],
        resamples=config.resamples,
        confidence=config.confidence,
        seed=config.seed,
    )


def _exponential(loss: Estimate) -> Estimate:
    return Estimate(math.exp(loss.value), math.exp(loss.low), math.exp(loss.high))
