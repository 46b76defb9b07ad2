"""BM25 over the indexed texts (Robertson and Zaragoza, 2009; Lucene's variant), scored ahead by bm25s.

A token is a run of letters, digits or underscores, lower-cased; identifiers such as `describe-instances`
become several. Languages written without spaces come out as one token a run and are served by vectors.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from bm25s import BM25

K1, B = 1.5, 0.75
"""The defaults of bm25s; within the range that Robertson and Zaragoza found good for English."""

_TOKEN = re.compile(r"\w+")


def tokens_of(text: str) -> list[str]:
    """Tokens of a passage or query."""
    return _TOKEN.findall(text.lower())


def write_lexical(texts: Iterable[str], folder: Path) -> int:
    """Index texts in their order and save arrays and vocabulary below `folder`. Returns the vocabulary size.

    The vocabulary is numbered by first appearance, so that the files do not depend on hash seeds.
    """
    from bm25s import BM25

    vocabulary: dict[str, int] = {}
    ids = [
        array("i", (vocabulary.setdefault(token, len(vocabulary)) for token in tokens_of(text)))
        for text in texts
    ]
    if not vocabulary:
        vocabulary[""] = 0  # no query holds it; without any token the mean length would be 0
        ids = [array("i", [0]) for _ in ids]
    index = BM25(k1=K1, b=B, method="lucene")
    index.index((ids, vocabulary), show_progress=False)
    index.save(folder, show_progress=False)
    return len(vocabulary)


class Lexical:
    """A saved BM25 index; its arrays are memory-mapped."""

    def __init__(self, folder: Path) -> None:
        from bm25s import BM25

        self._index: BM25 = BM25.load(folder, mmap=True, show_progress=False)
        self._vocabulary: dict[str, int] = self._index.vocab_dict

    def rank(self, query: str, k: int) -> list[tuple[int, float]]:
        """Up to `k` (position, score) with a positive score, best first, equal scores by position."""
        known = [self._vocabulary[token] for token in tokens_of(query) if token in self._vocabulary]
        if not known:
            return []
        scores: Any = self._index.get_scores_from_ids(known)
        found = np.flatnonzero(scores > 0)
        if len(found) > k:
            floor = np.partition(scores[found], -k)[-k]
            found = found[scores[found] >= floor]
        best = found[np.lexsort((found, -scores[found]))][:k]
        return [(int(position), float(scores[position])) for position in best]
