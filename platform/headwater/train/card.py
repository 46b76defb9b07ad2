"""What is told of a training: the model card, the loss curve and `training.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Facts:
    """What happened. `history` has one entry per step from 0: step, loss (nats per completion token), tokens,
    learning_rate, and validation_loss where it was taken."""

    base: str
    inputs: Mapping[str, str]
    config: Mapping[str, Any]
    history: tuple[Mapping[str, Any], ...]
    examples: int
    validation_examples: int
    left_out: int
    cut: int
    device: str
    libraries: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        """The content of `training.json`; the per-step entries under `steps`."""
        value = asdict(self)
        value["steps"] = [dict(entry) for entry in value.pop("history")]
        return value

    def numbers(self) -> dict[str, Any]:
        """The figures that plot over time."""
        trained = [entry for entry in self.history if "loss" in entry]
        validated = [entry["validation_loss"] for entry in self.history if "validation_loss" in entry]
        numbers: dict[str, Any] = {
            "steps": len(trained),
            "examples": self.examples,
            "left_out": self.left_out,
            "cut": self.cut,
            "completion_tokens": sum(entry["tokens"] for entry in trained),
            "loss_first": trained[0]["loss"],
            "loss_last": trained[-1]["loss"],
        }
        if validated:
            numbers |= {"validation_loss_before": validated[0], "validation_loss_after": validated[-1]}
        return numbers


def model_card(facts: Facts) -> str:
    """The model card, in Markdown."""
    numbers = facts.numbers()
    settings = "\n".join(f"| {name} | {_shown(value)} |" for name, value in facts.config.items())
    libraries = ", ".join(f"{name} {version}" for name, version in facts.libraries.items())
    validation = (
        f"{numbers['validation_loss_before']:.3f} before, {numbers['validation_loss_after']:.3f} after"
        f" ({facts.validation_examples} examples)"
        if "validation_loss_before" in numbers
        else "not taken: the validation split is empty"
    )
    return f"""# LoRA adapter for {facts.base}

A low-rank adapter (safetensors, peft layout); it works only on top of the base model below.

| | |
|---|---|
| base model | {facts.base}, SHA-256 of its files `{facts.inputs["base_model"]}` |
| training set | SHA-256 of its files `{facts.inputs["training_set"]}` |
| licence | that of the base model for the weights; the training texts keep their own |
| examples in the train split | {facts.examples:,} |
| left out, prompt too long | {facts.left_out:,} |
| answers cut at the token limit | {facts.cut:,} |
| completion tokens trained on | {numbers["completion_tokens"]:,} |
| training loss | {numbers["loss_first"]:.3f} at the first step, {numbers["loss_last"]:.3f} at the last |
| validation loss | {validation} |
| device | {facts.device} |
| libraries | {libraries} |

Losses are nats per completion token. Groups of the test split were seen neither in training nor here; the
evaluation of the release judges on them.

## Intended use

Answering questions from passages that stand in the prompt, in the wording it was trained with.

## Limits

It was trained on one product's documents. It may name commands and options that do not exist: read an answer
beside its cited passages. Without passages in the prompt its answers are not to be relied upon.

## Settings

| setting | value |
|---|---|
{settings}
"""


def draw_losses(facts: Facts, path: Path) -> None:
    """Draw the loss curve as a PNG; equal facts give equal bytes with the same matplotlib."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    trained = [(entry["step"], entry["loss"]) for entry in facts.history if "loss" in entry]
    validated = [
        (entry["step"], entry["validation_loss"]) for entry in facts.history if "validation_loss" in entry
    ]
    figure = Figure(figsize=(6.4, 3.6), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes: Any = figure.add_subplot()
    axes.plot(*zip(*trained, strict=True), color="#9db8d9", linewidth=1, label="training, each step")
    axes.plot(*zip(*_smooth(trained), strict=True), color="#2b5c9e", linewidth=2, label="training, smoothed")
    if validated:
        axes.plot(
            *zip(*validated, strict=True), color="#c4552d", marker="o", linewidth=1.5, label="validation"
        )
    axes.set_xlabel("step")
    axes.set_ylabel("nats per completion token")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(path, format="png", metadata={"Software": None})


def _smooth(points: list[tuple[int, float]], weight: float = 0.8) -> list[tuple[int, float]]:
    """Exponential moving average."""
    level = points[0][1]
    smoothed: list[tuple[int, float]] = []
    for step, loss in points:
        level = weight * level + (1 - weight) * loss
        smoothed.append((step, level))
    return smoothed


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(one) for one in value)
    return "all" if value is None else str(value)
