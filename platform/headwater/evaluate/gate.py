"""The gate: may this candidate become the release?

Not-worse is non-inferiority on the same questions: the lower bound of the paired difference must not be
below minus the margin, which is stricter than "the mean went up" (Dodge et al., Show Your Work, EMNLP 2019,
on why a mean alone decides nothing; Wellek, Testing Statistical Hypotheses of Equivalence and
Noninferiority, 2010). All differences here are improvements: signs are turned where lower is better.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from headwater.evaluate.group_bootstrap import GroupBootstrap
from headwater.evaluate.measured import Measured
from headwater.evaluate.metrics import METRICS, require_known

POWER_FACTOR = 1.645 + 0.842
"""z(0.95) + z(0.8): a one-sided test at 5 % finds this many standard errors with a power of 80 %."""


class NotWorse(BaseModel):
    """With `confidence`, the candidate is at most `margin` worse than production, in the metric's unit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    margin: float = Field(default=0.01, ge=0)
    confidence: float = Field(default=0.95, gt=0.5, lt=1)


class Improvement(BaseModel):
    """With `confidence`, the candidate is more than `margin` better than production."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    margin: float = Field(default=0.0, ge=0)
    confidence: float = Field(default=0.95, gt=0.5, lt=1)


class Gate(BaseModel):
    """Conditions by metric name; all must hold. Raises for a name that no evaluation reports."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    minimum: Mapping[str, float] = Field(default_factory=dict[str, float], description="metric: least value")
    maximum: Mapping[str, float] = Field(
        default_factory=dict[str, float], description="metric: greatest value"
    )
    not_worse_than_production: Mapping[str, NotWorse] = Field(
        default_factory=dict[str, NotWorse], description="metric: {margin, confidence}"
    )
    must_improve: Mapping[str, Improvement] = Field(
        default_factory=dict[str, Improvement], description="metric: {margin, confidence}"
    )
    minimum_questions: int = Field(
        default=50,
        ge=2,
        description="Fewer common questions than this are not paired: the averages are compared instead",
    )
    resamples: int = Field(default=2000, ge=200)
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _names_are_known(self) -> Gate:
        require_known({*self.minimum, *self.maximum, *self.not_worse_than_production, *self.must_improve})
        return self


@dataclass(frozen=True)
class Condition:
    """One condition and how it was decided. `measured` is None when the evaluation has no such figure."""

    name: str
    passed: bool
    measured: float | None
    required: str
    explanation: str


@dataclass(frozen=True)
class Decision:
    """The gate's verdict."""

    passed: bool
    conditions: tuple[Condition, ...]

    @property
    def failed(self) -> tuple[Condition, ...]:
        """The conditions that do not hold."""
        return tuple(condition for condition in self.conditions if not condition.passed)

    def as_json(self) -> dict[str, Any]:
        """For a file in the lake."""
        return {"passed": self.passed, "conditions": [asdict(condition) for condition in self.conditions]}


def decide(gate: Gate, candidate: Measured, production: Measured | None) -> Decision:
    """Judge a candidate. Without a production evaluation the comparisons pass and say so."""
    conditions = (
        *(_bound(name, limit, candidate, lower=True) for name, limit in sorted(gate.minimum.items())),
        *(_bound(name, limit, candidate, lower=False) for name, limit in sorted(gate.maximum.items())),
        *_comparisons(gate, candidate, production),
    )
    return Decision(all(condition.passed for condition in conditions), conditions)


def _bound(name: str, limit: float, candidate: Measured, *, lower: bool) -> Condition:
    value = candidate.metrics.get(name)
    label, sign = ("minimum", ">=") if lower else ("maximum", "<=")
    required = f"{sign} {limit:g}"
    if value is None:
        return Condition(f"{label} {name}", False, None, required, _not_measured(name))
    passed = value >= limit if lower else value <= limit
    return Condition(f"{label} {name}", passed, value, required, f"{value:.4f}, required {required}")


def _comparisons(gate: Gate, candidate: Measured, production: Measured | None) -> Iterator[Condition]:
    for name, rule in sorted(gate.not_worse_than_production.items()):
        yield _compare(gate, f"not worse {name}", name, rule, -rule.margin, candidate, production)
    for name, rule in sorted(gate.must_improve.items()):
        yield _compare(gate, f"improves {name}", name, rule, rule.margin, candidate, production)


def _compare(
    gate: Gate,
    label: str,
    name: str,
    rule: NotWorse | Improvement,
    bound: float,
    candidate: Measured,
    production: Measured | None,
) -> Condition:
    """The improvement over production, or its lower bound, must reach `bound` (to improve: exceed it)."""
    strict = isinstance(rule, Improvement)
    required = f"{'>' if strict else '>='} {bound:+g} with confidence {rule.confidence:g}"
    if production is None:
        return Condition(label, True, None, required, "passes: production has no release to compare with")
    if name not in candidate.metrics:
        return Condition(label, False, None, required, _not_measured(name))
    if name not in production.metrics:
        return Condition(label, True, None, required, "passes: production's evaluation has no such figure")
    sign = 1.0 if METRICS[name].higher_is_better else -1.0
    ids = _common(name, candidate, production)
    if len(ids) < gate.minimum_questions:
        measured = sign * (candidate.metrics[name] - production.metrics[name])
        explanation = (
            f"{_reason_unpaired(name, len(ids), gate)}, so the figures themselves are compared, without "
            f"confidence: {candidate.metrics[name]:.4f} against {production.metrics[name]:.4f}"
        )
    else:
        now, before = candidate.questions[name], production.questions[name]
        differences = [sign * (now[question] - before[question]) for question in ids]
        groups = [candidate.groups[question] for question in ids]
        bootstrap = GroupBootstrap(
            groups, resamples=gate.resamples, confidence=rule.confidence, seed=gate.seed
        )
        measured = bootstrap.lower_bound(differences, rule.confidence)
        detectable = POWER_FACTOR * bootstrap.standard_error(differences)
        explanation = (
            f"mean improvement {sum(differences) / len(differences):+.4f} on {len(ids)} common questions in "
            f"{len(set(groups))} groups, lower bound {measured:+.4f} at confidence {rule.confidence:g}; "
            f"a change of {detectable:.4f} would be seen with a power of 80 %"
        )
    passed = measured > bound if strict else measured >= bound
    return Condition(label, passed, measured, required, explanation)


def _common(name: str, candidate: Measured, production: Measured) -> list[str]:
    return sorted(set(candidate.questions.get(name, ())) & set(production.questions.get(name, ())))


def _reason_unpaired(name: str, common: int, gate: Gate) -> str:
    if not METRICS[name].column:
        return "this figure is not taken per question"
    return f"only {common} questions are common, fewer than {gate.minimum_questions}"


def _not_measured(name: str) -> str:
    return f"{name} was not measured: {METRICS[name].description}"
