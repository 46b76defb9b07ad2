"""Numbers about questions that their texts alone do not show: quality, toxicity, perplexity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from headwater.monitor.clusters import seeded
from headwater.monitor.perplexity import prompt_perplexity
from headwater.monitor.rows import Observed
from headwater.monitor.scores import WITHOUT_TOXICITY, scores_of, toxicity_is_measured

UNKNOWN_LANGUAGE = "und"


def with_measures(rows: Observed, name: str, *, base_model: Path | None, most: int) -> Observed:
    """The questions with `quality`, `toxicity` (with its extra) and `perplexity` (with a model).

    `most` is how many questions the model reads; `name` (a window, or a profile) draws them.
    """
    if not rows.rows:
        return rows
    languages = rows.kinds.get("language") or [UNKNOWN_LANGUAGE] * rows.rows
    measures = {**rows.measures, **scores_of(rows.texts, languages)}
    if base_model is not None and most:
        generator = seeded(name, "perplexity")
        measures["perplexity"] = prompt_perplexity(base_model, rows.texts, most, generator)
    return replace(rows, measures=measures)


def not_measured(base_model: Path | None, most: int) -> Sequence[str]:
    """What `with_measures` leaves out, and why."""
    found: list[str] = []
    if not toxicity_is_measured():
        found.append(WITHOUT_TOXICITY)
    if base_model is None:
        found.append("perplexity: the product has no language model")
    elif not most:
        found.append("perplexity: switched off, `perplexity_questions` is 0")
    return found
