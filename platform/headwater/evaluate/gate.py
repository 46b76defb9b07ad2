"""The gate: may this candidate become the release?

Not-worse is non-inferiority on the same questions: the lower bound of the paired difference must not be
below minus the margin, which is stricter than "the mean went up" (Dodge et al., Show Your Work, EMNLP 2019,
on why a mean alone decides nothing; Wellek, Testing Statistical Hypotheses of Equivalence and
Noninferiority, 2010). All differences here are improvements: signs are turned where lower is better.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from headwater.evaluate.against_production import Pairing, Rule, compare_all, not_measured
from headwater.evaluate.condition import Condition
from headwater.evaluate.measured import Measured
from headwater.evaluate.metrics import require_known
from headwater.evaluate.rules import Improvement, NotWorse, Primary

__all__ = ["Condition", "Decision", "Gate", "Improvement", "NotWorse", "Primary", "decide"]


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
    primary: Primary | None = Field(
        default=None,
        description="{metric, margin, confidence}: superior, or not shown to be worse by more than margin",
    )
    minimum_questions: int = Field(
        default=50,
        ge=2,
        description="Fewer common questions than this are not paired: the averages are compared instead",
    )
    resamples: int = Field(default=2000, ge=200, description="Bootstrap resamples of a lower bound")
    flips: int = Field(default=10_000, ge=999, description="Sign flips of a paired randomisation")
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _names_are_known(self) -> Gate:
        require_known({*self.minimum, *self.maximum, *self.not_worse_than_production, *self.must_improve})
        return self

    @model_validator(mode="after")
    def _primary_is_guarded(self) -> Gate:
        if self.primary is not None and self.primary.metric not in self.not_worse_than_production:
            raise ValueError(
                f"primary: expected {self.primary.metric} under not_worse_than_production as well, because "
                "too few questions show nothing to be worse"
            )
        return self


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
    rules: list[tuple[str, Rule]] = [
        *sorted(gate.not_worse_than_production.items()),
        *sorted(gate.must_improve.items()),
        *([(gate.primary.metric, gate.primary)] if gate.primary else []),
    ]
    pairing = Pairing(gate.minimum_questions, gate.resamples, gate.flips, gate.seed)
    conditions = (
        *(_bound(name, limit, candidate, lower=True) for name, limit in sorted(gate.minimum.items())),
        *(_bound(name, limit, candidate, lower=False) for name, limit in sorted(gate.maximum.items())),
        *compare_all(rules, candidate, production, pairing),
    )
    return Decision(all(condition.passed for condition in conditions), conditions)


def _bound(name: str, limit: float, candidate: Measured, *, lower: bool) -> Condition:
    value = candidate.metrics.get(name)
    label, sign = ("minimum", ">=") if lower else ("maximum", "<=")
    required = f"{sign} {limit:g}"
    if value is None:
        return Condition(f"{label} {name}", False, None, required, not_measured(name))
    passed = value >= limit if lower else value <= limit
    return Condition(f"{label} {name}", passed, value, required, f"{value:.4f}, required {required}")
