"""Maker of the evaluation: figures, results per question, pictures and the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from headwater.evaluate.comparison import compare
from headwater.evaluate.gate import Gate, decide
from headwater.evaluate.language_model import (
    LanguageModelEvaluation,
    LanguageModelReport,
    evaluate_language_model,
)
from headwater.evaluate.measured import EVALUATION_FILE, Measured
from headwater.evaluate.metrics import MEASURES
from headwater.evaluate.pictures import draw_ranks, draw_recall
from headwater.evaluate.report import Report, render
from headwater.evaluate.retrieval import RetrievalEvaluation, evaluate_retrieval
from headwater.index.remembered import open_remembering
from headwater.index.search import METHODS, Method
from headwater.schemas import RETRIEVAL_RESULTS
from headwater.tables import write_json, write_rows
from headwater.workspace import Produced, Workspace

REPORT_FILE = "report.html"


class EvaluationMaker(BaseModel):
    """Inputs `questions` and `index`; with a language model also `base_model`, `model`, `training_set`.

    The input `production` is the evaluation of the release in production, if there is one. Writes the
    retrieval results, evaluation.json, report.html and pictures/*.png. `gate` is applied for the report
    only: the release decides.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field(default="Evaluation", min_length=1, description="Heading of the report")
    headline: Method = Field(default="hybrid", description="Retriever whose misses and groups are shown")
    language_model: LanguageModelEvaluation = Field(
        default_factory=LanguageModelEvaluation, description="How much of the language model is judged"
    )
    gate: Gate | None = Field(default=None, description="Conditions to show in the report")
    seed: int = Field(default=0, ge=0, description="Seed of the bootstrap")

    def __call__(self, workspace: Workspace) -> Produced:
        """Raises `ValueError` when questions and index are of different chunks."""
        inputs, out = workspace.inputs, workspace.out
        index = open_remembering(inputs["index"], workspace.cache)
        retrieval = evaluate_retrieval(
            index, inputs["questions"], seed=self.seed, progress=workspace.progress
        )
        language_model = self._language_model(workspace)
        figures = _Figures.of(retrieval, language_model)
        write_rows(out, retrieval.rows, RETRIEVAL_RESULTS.arrow, key="result_id")
        write_json(out / EVALUATION_FILE, figures.as_json(retrieval, language_model, index.about))
        pictures = _draw(retrieval, out / "pictures")
        measured = Measured.read(out)
        production = Measured.read(inputs["production"]) if "production" in inputs else None
        decision = decide(self.gate, measured, production) if self.gate else None
        curve = inputs["model"] / "loss.png" if "model" in inputs else None
        shown = {**pictures, **({"loss": curve} if curve is not None and curve.is_file() else {})}
        report = Report(
            title=self.title,
            retrieval=retrieval,
            headline=self.headline,
            index=index.about,
            pictures=shown,
            language_model=language_model,
            compared=compare(measured, production, seed=self.seed) if production else None,
            decision=decision,
        )
        (out / REPORT_FILE).write_text(render(report), encoding="utf-8")
        return Produced(
            rows=len(retrieval.rows),
            metrics=figures.metrics,
            tables={"retrieval": tuple(_table(retrieval))},
            pictures=pictures,
            text={"summary": _summary(retrieval, language_model)},
        )

    def _language_model(self, workspace: Workspace) -> LanguageModelReport | None:
        inputs = workspace.inputs
        if "model" not in inputs:
            return None
        return evaluate_language_model(
            inputs["base_model"],
            inputs["model"],
            inputs["training_set"],
            self.language_model,
            workspace.scratch,
            workspace.progress,
            cache=workspace.cache / "language_model",
        )


@dataclass(frozen=True)
class _Figures:
    metrics: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]

    @classmethod
    def of(cls, retrieval: RetrievalEvaluation, language_model: LanguageModelReport | None) -> _Figures:
        metrics = {name: found.value for name, found in retrieval.averages.items()}
        intervals = {name: (found.low, found.high) for name, found in retrieval.averages.items()}
        for name, found in retrieval.differences.items():
            intervals[name] = (found.low, found.high)
        if language_model is not None:
            metrics |= {f"language_model/{name}": value for name, value in language_model.metrics().items()}
        return cls(metrics, intervals)

    def as_json(
        self,
        retrieval: RetrievalEvaluation,
        language_model: LanguageModelReport | None,
        index: Mapping[str, Any],
    ) -> dict[str, Any]:
        return {
            "metrics": self.metrics,
            "intervals": self.intervals,
            "differences": {name: found.value for name, found in retrieval.differences.items()},
            "questions": retrieval.questions,
            "origin": retrieval.origin,
            "index": index,
            "notes": list(language_model.notes) if language_model else [],
        }


def _draw(retrieval: RetrievalEvaluation, folder: Path) -> dict[str, Path]:
    if not retrieval.questions:
        return {}
    pictures = {"recall": folder / "recall.png", "ranks": folder / "ranks.png"}
    draw_recall(retrieval, pictures["recall"])
    draw_ranks(retrieval, pictures["ranks"])
    return pictures


def _table(retrieval: RetrievalEvaluation) -> list[dict[str, Any]]:
    return [
        {
            "measure": measure,
            **{
                method: "{0.value:.3f} ({0.low:.3f} to {0.high:.3f})".format(
                    retrieval.averages[f"{method}/{measure}"]
                )
                for method in METHODS
            },
        }
        for measure in (MEASURES if retrieval.averages else ())
    ]


def _summary(retrieval: RetrievalEvaluation, language_model: LanguageModelReport | None) -> str:
    if not retrieval.questions:
        lines = ["No question to ask: retrieval was not measured."]
    else:
        kind = "labelled" if retrieval.origin == "labelled" else "known-item"
        scores = ", ".join(
            f"{method} {retrieval.averages[f'{method}/recall@10'].value:.3f}" for method in METHODS
        )
        lines = [f"recall@10 on {retrieval.questions:,} {kind} questions: {scores}."]
    if language_model is not None and language_model.loss_before and language_model.loss_after:
        lines.append(
            f"Held-out loss {language_model.loss_before.value:.3f} before fine-tuning, "
            f"{language_model.loss_after.value:.3f} after."
        )
    return "\n\n".join(lines)
