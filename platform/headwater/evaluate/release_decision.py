"""Maker of the decision whether a candidate becomes the release."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from headwater.evaluate.gate import Decision, Gate, NotWorse, decide
from headwater.evaluate.measured import Measured
from headwater.tables import write_json
from headwater.workspace import CheckOutcome, Produced, Workspace

EVALUATION = "evaluation"
PRODUCTION = "production"
DECISION_FILE = "decision.json"


def default_gate() -> Gate:
    """Not worse than production at finding the right document."""
    return Gate(not_worse_than_production={"hybrid/recall@10": NotWorse()})


class ReleaseMaker(BaseModel):
    """Judges `evaluation` by the gate, against that of `production` where there is one.

    Writes `decision.json`: the verdict, every condition with what was measured, the scores, and the data
    versions of all parts, so that a decision names exactly what it is about. A refusal is a result, not an
    error: the check `gate` warns and nothing is released.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    gate: Gate = Field(default_factory=default_gate)

    def __call__(self, workspace: Workspace) -> Produced:
        """Read `inputs["evaluation"]` and, if it is there, `inputs["production"]`."""
        candidate = Measured.read(workspace.inputs[EVALUATION])
        released = workspace.inputs.get(PRODUCTION)
        decision = decide(self.gate, candidate, Measured.read(released) if released else None)
        parts = {name: version for name, version in workspace.versions.items() if name != PRODUCTION}
        write_json(
            workspace.out / DECISION_FILE,
            {**decision.as_json(), "parts": parts, "scores": dict(candidate.metrics)},
        )
        return Produced(
            rows=len(decision.conditions),
            metrics={"conditions_failed": len(decision.failed), **_detectable(decision)},
            tables={"conditions": tuple(asdict(condition) for condition in decision.conditions)},
            checks=(_check(decision),),
        )


def _detectable(decision: Decision) -> dict[str, float]:
    """The smallest difference that each paired condition would see, by its name."""
    return {
        f"detectable/{item.name}": item.detectable
        for item in decision.conditions
        if item.detectable is not None
    }


def _check(decision: Decision) -> CheckOutcome:
    failures: tuple[dict[str, Any], ...] = tuple(asdict(condition) for condition in decision.failed)
    return CheckOutcome(
        name="gate",
        passed=decision.passed,
        severity="warn",
        description="all conditions hold"
        if decision.passed
        else "refused: " + "; ".join(f"{item.name}: {item.explanation}" for item in decision.failed),
        failures=failures,
    )
