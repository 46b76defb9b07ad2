"""A candidate beside the release in production, figure by figure."""

from __future__ import annotations

from dataclasses import dataclass

from headwater.evaluate.group_bootstrap import Estimate, GroupBootstrap
from headwater.evaluate.measured import Measured
from headwater.evaluate.metrics import METRICS

RESAMPLES, CONFIDENCE = 2000, 0.95


@dataclass(frozen=True)
class Compared:
    """One metric of both. `difference` is candidate minus production on the common questions, if any."""

    metric: str
    candidate: float
    production: float
    difference: Estimate | None
    common_questions: int
    higher_is_better: bool


def compare(candidate: Measured, production: Measured, *, seed: int) -> list[Compared]:
    """Every metric that both measured, in the order of the metrics."""
    compared: list[Compared] = []
    for name, metric in METRICS.items():
        if name not in candidate.metrics or name not in production.metrics:
            continue
        now, before = candidate.questions.get(name, {}), production.questions.get(name, {})
        ids = sorted(set(now) & set(before))
        compared.append(
            Compared(
                metric=name,
                candidate=candidate.metrics[name],
                production=production.metrics[name],
                difference=_difference(candidate, name, production, ids, seed) if ids else None,
                common_questions=len(ids),
                higher_is_better=metric.higher_is_better,
            )
        )
    return compared


def _difference(candidate: Measured, name: str, production: Measured, ids: list[str], seed: int) -> Estimate:
    bootstrap = GroupBootstrap(
        [candidate.groups[question] for question in ids],
        resamples=RESAMPLES,
        confidence=CONFIDENCE,
        seed=seed,
    )
    now, before = candidate.questions[name], production.questions[name]
    return bootstrap.mean([now[question] - before[question] for question in ids])
