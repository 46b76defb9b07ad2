"""Toxicity: how offensive the most offensive passage of a document is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

import pyarrow as pa
from pydantic import Field

from headwater.curate.step import Looser, StepSettings, Verdict, strings, with_columns, with_verdicts

PASSAGE_WORDS = 50


class Toxicity(StepSettings):
    """Adds `toxicity` and refuses documents above `max_toxicity` (null: none) with the reason `toxic`.

    The score is the highest probability of any passage of 50 words to be offensive, by the linear model of
    alt-profanity-check (bag of words, trained on comments in English): it knows words, not irony, and no
    other language. Documents of another language, where the column `language` says so, get no score. Needs
    the extra `toxicity`; `ModuleNotFoundError` says so where it is missing.
    """

    name: ClassVar[str] = "toxicity"
    libraries: ClassVar[tuple[str, ...]] = ("alt-profanity-check",)
    looser: ClassVar[Mapping[str, Looser]] = {"max_toxicity": "higher"}
    max_toxicity: Annotated[float, Field(ge=0.0, le=1.0)] | None = 0.95

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Adds `toxicity`, null where it is not known, and the verdict."""
        languages = strings(batch, "language") if "language" in batch.schema.names else ["en"] * len(batch)
        passages: list[str] = []
        owners: list[int] = []
        for row, (text, language) in enumerate(zip(strings(batch, "text"), languages, strict=True)):
            if language == "en":
                found = _passages(text)
                passages += found
                owners += [row] * len(found)
        scores: list[float | None] = [None] * len(batch)
        for row, score in zip(owners, _probabilities(passages), strict=True):
            scores[row] = max(score, scores[row] or 0.0)
        verdicts = [self._verdict(score) for score in scores]
        return with_verdicts(with_columns(batch, toxicity=pa.array(scores, pa.float64())), verdicts)

    def _verdict(self, score: float | None) -> Verdict | None:
        if score is None or self.max_toxicity is None or score <= self.max_toxicity:
            return None
        return Verdict("toxic", f"{score:.3f}; most {self.max_toxicity:g}")


def _passages(text: str) -> list[str]:
    words = text.split()
    return [" ".join(words[at : at + PASSAGE_WORDS]) for at in range(0, len(words), PASSAGE_WORDS)]


def _probabilities(passages: Sequence[str]) -> list[float]:
    """Probability of each passage to be offensive, to the digits that all processors agree on."""
    predict = _model()
    return [round(float(value), 4) for value in predict(list(passages))] if passages else []


def _model() -> Any:
    try:
        from profanity_check import predict_prob
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "the step toxicity needs the extra `toxicity` (pip install 'headwater[toxicity]')"
        ) from error
    return predict_prob
