"""An evaluation as it stands in a folder: what the gate and the report compare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from headwater.evaluate.metrics import METRICS
from headwater.tables import read_json, read_rows

EVALUATION_FILE = "evaluation.json"


@dataclass(frozen=True)
class Measured:
    """The metrics of one evaluation by name, and the value of each question where there is one."""

    metrics: Mapping[str, float]
    questions: Mapping[str, Mapping[str, float]] = field(default_factory=dict[str, Mapping[str, float]])
    """Metric name -> question id -> value."""
    groups: Mapping[str, str] = field(default_factory=dict[str, str])
    """Question id -> group."""

    @classmethod
    def read(cls, folder: Path) -> Measured:
        """Read what `EvaluationMaker` wrote. Raises `FileNotFoundError` for another folder."""
        metrics: dict[str, float] = read_json(folder / EVALUATION_FILE)["metrics"]
        by_retriever = [metric for metric in METRICS.values() if metric.column]
        questions: dict[str, dict[str, float]] = {metric.name: {} for metric in by_retriever}
        groups: dict[str, str] = {}
        for row in read_rows(folder):
            groups[row["question_id"]] = row["group"]
            for metric in by_retriever:
                if metric.retriever == row["retriever"]:
                    questions[metric.name][row["question_id"]] = row[metric.column]
        return cls(metrics=metrics, questions=questions, groups=groups)
