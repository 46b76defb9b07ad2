"""What a text looks like, in a few numbers: length, words, characters, and how much of it is new."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set

import numpy as np
import numpy.typing as npt

from headwater.monitor.clusters import Rows

STATISTICS = (
    "words",
    "word_length",
    "repetition",
    "digits",
    "punctuation",
    "not_ascii",
    "redacted",
    "unknown_words",
)
VOCABULARY_WORDS = 20_000
_WORD = re.compile(r"[^\W_]+")
_REDACTED = re.compile(r"<[A-Z][A-Z_]+(?::[^<>\s]+)?>")
"""What the redaction of personal data leaves in a text's place."""

Values = npt.NDArray[np.float32]


def words_of(text: str) -> list[str]:
    """Runs of letters and digits, in lower case."""
    return _WORD.findall(text.lower())


def vocabulary(texts: Sequence[str], clusters: Rows) -> dict[str, int]:
    """The words of most clusters, at most 20,000, each with the number of clusters that use it."""
    uses: dict[str, set[int]] = {}
    for text, cluster in zip(texts, clusters.tolist(), strict=True):
        for word in words_of(text):
            uses.setdefault(word, set()).add(cluster)
    common = sorted(uses, key=lambda word: (-len(uses[word]), word))[:VOCABULARY_WORDS]
    return {word: len(uses[word]) for word in sorted(common)}


def measured(texts: Sequence[str], known: Mapping[str, int], *, own: Rows | None = None) -> dict[str, Values]:
    """Per statistic float32 [texts]: counts, or shares between 0 and 1.

    `own` gives the clusters of texts that the vocabulary was taken from: what only their own cluster uses
    counts as unknown, as it would in a window. Without it no reference text had an unknown word and
    every window would differ.
    """
    if own is None:
        return _columns([_statistics(text, known.keys()) for text in texts])
    alone: dict[int, set[str]] = {}
    for text, cluster in zip(texts, own.tolist(), strict=True):
        alone.setdefault(cluster, set()).update(word for word in words_of(text) if known.get(word) == 1)
    return _columns(
        [
            _statistics(text, known.keys(), without=alone[cluster])
            for text, cluster in zip(texts, own.tolist(), strict=True)
        ]
    )


def _statistics(text: str, known: Set[str], *, without: Set[str] = frozenset()) -> tuple[float, ...]:
    words, letters = words_of(text), max(1, len(text))
    count = max(1, len(words))
    return (
        len(words),
        sum(map(len, words)) / count,
        1 - len(set(words)) / count,
        sum(map(str.isdigit, text)) / letters,
        sum(not sign.isalnum() and not sign.isspace() for sign in text) / letters,
        sum(sign > "\x7f" for sign in text) / letters,
        float(len(_REDACTED.findall(text))),
        sum(word not in known or word in without for word in words) / count,
    )


def _columns(rows: list[tuple[float, ...]]) -> dict[str, Values]:
    table = np.asarray(rows, dtype=np.float32).reshape(len(rows), len(STATISTICS))
    return {name: np.ascontiguousarray(table[:, column]) for column, name in enumerate(STATISTICS)}
