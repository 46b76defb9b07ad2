"""Clusters: rows that came about together (a session, a user, a document) and must be permuted together.

Rows of one cluster resemble each other, so tests that take rows for independent call every window of whole
documents drift. The exchangeable units are the clusters: tests here permute those (Winkler et al.,
NeuroImage 2015, on block permutation).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from headwater.fingerprint import digest_text

Rows = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


def seeded(*names: str) -> np.random.Generator:
    """A generator that depends on the names alone, such as a window's id and a test's name."""
    return np.random.default_rng(int(digest_text("\0".join(names))[:32], 16))


def numbered(ids: Sequence[str]) -> Rows:
    """Cluster ids as int64 numbers 0, 1, …, in the order of the sorted ids."""
    return np.unique(np.asarray(ids, dtype=np.str_), return_inverse=True)[1].astype(np.int64)


def count(clusters: Rows) -> int:
    """Number of different clusters."""
    return len(np.unique(clusters))


def pooled(reference: Rows, window: Rows) -> tuple[Rows, int]:
    """Numbers of both sides' rows [m + n], the window's after the reference's, and how many the first has.

    Equal ids on both sides remain two clusters.
    """
    first = np.unique(reference, return_inverse=True)[1]
    second = np.unique(window, return_inverse=True)[1]
    own = int(first.max()) + 1 if len(first) else 0
    return np.concatenate([first, second + own]).astype(np.int64), own


def drawn(clusters: Rows, most_rows: int, generator: np.random.Generator) -> Rows:
    """Positions of whole clusters drawn at random until a further one would exceed `most_rows`.

    At least one cluster is drawn. All rows, in order, where they are few enough.
    """
    if len(clusters) <= most_rows:
        return np.arange(len(clusters))
    numbers, inverse, sizes = np.unique(clusters, return_inverse=True, return_counts=True)
    order = generator.permutation(len(numbers))
    taken = max(1, int(np.searchsorted(np.cumsum(sizes[order]), most_rows, side="right")))
    return np.flatnonzero(np.isin(inverse, order[:taken])).astype(np.int64)


def relabelled(own: int, other: int, permutations: int, generator: np.random.Generator) -> Floats:
    """Which clusters play the window: float32 [1 + permutations, own + other], 1 where one does.

    The first row is what was observed (the last `other` clusters); in every further row as many are drawn at
    random.
    """
    chosen = np.zeros((1 + permutations, own + other), dtype=np.float32)
    chosen[0, own:] = 1
    places = generator.random((permutations, own + other), dtype=np.float32)
    picked = np.argpartition(places, other - 1, axis=1)[:, :other]
    np.put_along_axis(chosen[1:], picked, 1, axis=1)
    return chosen


def permutation_p(statistics: npt.NDArray[np.float64]) -> float:
    """p of the first of the statistics among all, never 0 (Phipson and Smyth, 2010). Large is extreme."""
    return float(np.mean(statistics >= statistics[0] - 1e-12))


def summed(values: npt.NDArray[np.floating], clusters: Rows) -> npt.NDArray[np.float64]:
    """Sums over each cluster's rows, float64 [clusters, …], of values [rows, …]; clusters are 0, 1, …"""
    sums = np.zeros((int(clusters.max()) + 1, *values.shape[1:]), dtype=np.float64)
    np.add.at(sums, clusters, values)
    return sums
