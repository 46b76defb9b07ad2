"""Does the window hold what the reference has nothing like? A nearest-neighbour split test.

The reference is split at random, by whole clusters, into a base and a rest. Every row of the rest and of the
window gets the cosine of its nearest neighbour in the base, every cluster the mean of its rows. Given the
base, the clusters of the rest and of a window without drift are exchangeable, so the one-sided rank test of
Mann and Whitney (1947) on them is valid: no score is compared with one it had a part in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headwater.monitor.clusters import Floats, Rows, drawn, summed

BLOCK_ROWS = 1024
REST_ROWS = 5000
Scores = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Novelty:
    """`lower` is the chance that a cluster of the window is less like the base than one of the reference."""

    lower: float
    p: float
    reference_clusters: int
    window_clusters: int


def split_test(
    reference: Floats,
    reference_clusters: Rows,
    window: Floats,
    window_clusters: Rows,
    generator: np.random.Generator,
) -> Novelty:
    """Compare unit vectors [m, d] and [n, d] with cluster numbers [m] and [n].

    Raises `ValueError` when the reference has fewer than four clusters or the window none.
    """
    numbers = np.unique(reference_clusters)
    if len(numbers) < 4 or len(window) == 0:
        raise ValueError("the reference needs four clusters or more, and the window one")
    base_clusters = generator.permutation(numbers)[: len(numbers) // 2]
    in_base = np.isin(reference_clusters, base_clusters)
    base, rest = reference[in_base], reference[~in_base]
    rest_clusters = reference_clusters[~in_base]
    kept = drawn(rest_clusters, REST_ROWS, generator)
    expected = cluster_means(nearest_cosines(rest[kept], base), rest_clusters[kept])
    seen = cluster_means(nearest_cosines(window, base), window_clusters)
    lower, p = mann_whitney_lower(seen, expected)
    return Novelty(lower, p, len(expected), len(seen))


def nearest_cosines(rows: Floats, base: Floats) -> Floats:
    """Cosine of each row's nearest neighbour: float32 [n], of unit vectors [n, d] and [m, d]."""
    nearest = np.empty(len(rows), dtype=np.float32)
    for start in range(0, len(rows), BLOCK_ROWS):
        nearest[start : start + BLOCK_ROWS] = (rows[start : start + BLOCK_ROWS] @ base.T).max(axis=1)
    return nearest


def cluster_means(values: npt.NDArray[np.floating], clusters: Rows) -> Scores:
    """Mean of each cluster's rows, float64 [clusters]."""
    inverse = np.unique(clusters, return_inverse=True)[1].astype(np.int64)
    return summed(values, inverse) / np.bincount(inverse)


def mann_whitney_lower(seen: Scores, expected: Scores) -> tuple[float, float]:
    """The chance that one of `seen` is below one of `expected` (ties half), and the one-sided p of it.

    Normal approximation with the correction for ties and continuity; from 20 values on a side it is within
    .001 of the exact p near .05.
    """
    n, m = len(seen), len(expected)
    together = np.concatenate([seen, expected])
    _, inverse, ties = np.unique(together, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(ties) - (ties - 1) / 2)[inverse]
    lower_pairs = n * m + n * (n + 1) / 2 - float(ranks[:n].sum())
    total = n + m
    tied = float(np.sum(ties.astype(np.float64) ** 3 - ties)) / (total * (total - 1))
    spread = math.sqrt(n * m / 12 * (total + 1 - tied))
    if spread == 0:
        return 0.5, 1.0
    z = (lower_pairs - n * m / 2 - 0.5) / spread
    return lower_pairs / (n * m), 0.5 * math.erfc(z / math.sqrt(2))
