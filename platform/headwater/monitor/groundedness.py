"""Is an answer supported by the passages it was given? A proxy without a judge model.

Per sentence: its best cosine to a passage, the share of its words that the passages use, and the share of its
numbers and names that they contain. The proxy sees what was made up of new words, numbers and names. It does
not see a wrong statement made of the passages' own words, such as a dropped "not".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from headwater.index.sentences import sentences
from headwater.monitor.clusters import Floats
from headwater.monitor.ranks import ranked_lower
from headwater.monitor.text_statistics import words_of

_SPECIFIC = re.compile(r"\d+(?:[.,:]\d+)*|\b[A-Z][\w-]*[A-Z0-9][\w-]*\b|(?<=[a-z,;] )[A-Z][\w-]+")
"""Numbers, names with inner capitals or digits, and capitalized words inside a sentence."""


@dataclass(frozen=True)
class Support:
    """What supports one sentence; each between 0 and 1, `cosine` between -1 and 1."""

    cosine: float
    words: float
    specifics: float

    @property
    def score(self) -> float:
        """The product: one missing number or a topic of its own is enough to lower it."""
        return max(0.0, self.cosine) * self.words * self.specifics


@dataclass(frozen=True)
class Cut:
    """Scores from `score` on count as supported; `auc` is how well they tell the labelled pairs apart."""

    score: float
    auc: float
    pairs: int


def support(sentence: str, vector: Floats, passages: Sequence[str], passage_vectors: Floats) -> Support:
    """How the passages support a sentence, unit vectors [d] and [passages, d]; none supports nothing."""
    if not passages:
        return Support(0.0, 0.0, 0.0)
    known = {word for passage in passages for word in words_of(passage)}
    words = words_of(sentence)
    specifics = [match.lower() for match in _SPECIFIC.findall(sentence)]
    said = " ".join(passages).lower()
    contained = sum(_contained(specific, said) for specific in specifics)
    return Support(
        cosine=float((passage_vectors @ vector).max()),
        words=sum(word in known for word in words) / max(1, len(words)),
        specifics=contained / len(specifics) if specifics else 1.0,
    )


def answer_sentences(answer: str) -> list[str]:
    """The sentences of an answer that say something: three words or more."""
    return [sentence for sentence in sentences(answer) if len(words_of(sentence)) >= 3]


def grounded(supports: Sequence[Support], cut: Cut) -> float:
    """1 where every sentence of an answer is supported, else 0; NaN for an answer without sentences."""
    if not supports:
        return float("nan")
    return float(all(item.score >= cut.score for item in supports))


def calibrated(scores: Sequence[float], labels: Sequence[bool]) -> Cut:
    """The cut that best tells labelled pairs apart (largest Youden index, the lowest of equals), and the AUC.

    Raises `ValueError` unless both labels occur.
    """
    values, supported = np.asarray(scores, dtype=np.float64), np.asarray(labels, dtype=np.bool_)
    if supported.all() or not supported.any():
        raise ValueError("calibration needs pairs of both labels")
    cuts = np.unique(values)
    hits = [(values[supported] >= cut).mean() - (values[~supported] >= cut).mean() for cut in cuts]
    unsupported, rest = values[~supported], values[supported]
    auc = ranked_lower(unsupported, np.arange(len(unsupported)), rest, np.arange(len(rest))).lower
    return Cut(float(cuts[int(np.argmax(hits))]), auc, len(values))


def _contained(specific: str, said: str) -> bool:
    return re.search(rf"(?<![\w]){re.escape(specific)}(?![\w])", said) is not None
