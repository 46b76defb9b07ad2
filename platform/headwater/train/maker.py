"""The maker of `model`: asks for a fine-tuning and reports what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from headwater.tables import read_json
from headwater.train.config import FineTuning
from headwater.train.process import PROCESS_ENVIRONMENT as PROCESS_ENVIRONMENT
from headwater.train.process import WorkerFailed, run_workers
from headwater.workspace import Produced, Workspace

Runner = Callable[[Mapping[str, Any]], None]
"""Runs a request (see `finetune.run_request`) somewhere; returns when it is done, raises when it failed."""


@dataclass(frozen=True)
class ModelMaker:
    """Makes `model` from `base_model` and `training_set`.

    Training runs in a process of its own, whose memory is gone afterwards: started here, or by `runner`.
    """

    fine_tuning: FineTuning = field(default_factory=FineTuning)
    runner: Runner | None = None

    def with_runner(self, runner: Runner) -> ModelMaker:
        """The same maker with its training run by `runner`."""
        return replace(self, runner=runner)

    def __call__(self, workspace: Workspace) -> Produced:
        """Have the adapter written. Raises `WorkerFailed`, or what the runner raises."""
        workspace.scratch.mkdir(parents=True, exist_ok=True)
        result = workspace.scratch / "result.json"
        result.unlink(missing_ok=True)
        request = {
            "config": self.fine_tuning.model_dump(mode="json"),
            "base_model": str(workspace.inputs["base_model"]),
            "training_set": str(workspace.inputs["training_set"]),
            "out": str(workspace.out),
            "scratch": str(workspace.scratch),
            "result": str(result),
        }
        if self.runner is None:
            run_workers("headwater.train.finetune", [request], workspace.scratch, workspace.progress)
        else:
            self.runner(request)
        if not result.is_file():
            raise WorkerFailed("the training process ended without leaving a result")
        numbers: dict[str, float] = read_json(result)
        return Produced(
            rows=1,
            metrics={name: float(value) for name, value in numbers.items()},
            tables={"losses": _losses(workspace.out)},
            pictures={"loss": workspace.out / "loss.png"},
            text={"model_card": (workspace.out / "model_card.md").read_text(encoding="utf-8")},
        )


def _losses(model: Path) -> tuple[Mapping[str, Any], ...]:
    """The steps at which the validation loss was taken, else every step."""
    steps: list[dict[str, Any]] = read_json(model / "training.json")["steps"]
    validated = [entry for entry in steps if "validation_loss" in entry]
    return tuple(
        {name: entry.get(name) for name in ("step", "loss", "validation_loss", "learning_rate")}
        for entry in validated or steps
    )
