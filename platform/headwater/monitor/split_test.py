"""Does the window hold what the reference has nothing like? A nearest-neighbour split test.

The reference is split at random, by whole clusters, into a base and a rest. Every row of the rest and of the
window gets the cosine of its nearest neighbour in the base. Given the base, rows of the rest and of a window
without drift have the same distribution, so their ranks can be compared as Mann and Whitney (1947) do: no
score is compared with one it had a part in. Rows of a cluster are not independent, therefore the variance is
that of sums over clusters (Obuchowski, Nonparametric analysis of clustered ROC curve data, Biometrics 1997).
Means of clusters would not do: sessions of three questions have other means than single questions of the
same distribution, if that is skewed.

One split makes a lucky or an unlucky base, so the z of several are averaged. Their correlation is not known;
a mean of standard normal values has a variance of one at most, so its p as a normal value errs to the safe
side, and what is seen in most splits is seen for certain.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headwater.monitor.clusters import Floats, Rows, summed

BLOCK_ROWS = 1024
SPLITS = 8
Scores = npt.NDArray[np.float64]
Values = npt.NDArray[np.floating]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Novelty:
    """`lower` is the chance that a row of the window is less like the base than one of the reference.

    Clusters of the reference are those that one split compares.
    """

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
    chosen = [generator.permutation(numbers)[: len(numbers) // 2] for _ in range(SPLITS)]
    bases = [np.isin(reference_clusters, base) for base in chosen]
    inside = nearest_cosines(reference, reference, bases)
    outside = nearest_cosines(window, reference, bases)
    lower: list[float] = []
    z: list[float] = []
    for base, own, foreign in zip(bases, inside, outside, strict=True):
        ranks = ranked_lower(foreign, window_clusters, own[~base], reference_clusters[~base])
        lower.append(ranks.lower)
        z.append(ranks.z)
    return Novelty(
        lower=float(np.mean(lower)),
        p=0.5 * math.erfc(float(np.mean(z)) / math.sqrt(2)),
        reference_clusters=len(numbers) - len(numbers) // 2,
        window_clusters=len(np.unique(window_clusters)),
    )


def nearest_cosines(rows: Floats, reference: Floats, bases: Sequence[Mask]) -> Floats:
    """Cosine of each row's nearest neighbour in each base: float32 [bases, n], of unit vectors.

    A base is a mask of the reference [m]. All products are made once, a block of rows at a time.
    """
    nearest = np.empty((len(bases), len(rows)), dtype=np.float32)
    columns = [np.flatnonzero(base) for base in bases]
    for start in range(0, len(rows), BLOCK_ROWS):
        cosines = rows[start : start + BLOCK_ROWS] @ reference.T
        for number, chosen in enumerate(columns):
            nearest[number, start : start + BLOCK_ROWS] = cosines[:, chosen].max(axis=1)
    return nearest


@dataclass(frozen=True)
class Ranked:
    """The chance that a value of the one side is below one of the other (ties half), and how sure that is."""

    lower: float
    z: float

    @property
    def p(self) -> float:
        """One-sided, by the normal approximation."""
        return 0.5 * math.erfc(self.z / math.sqrt(2))


def ranked_lower(seen: Values, seen_clusters: Rows, expected: Values, expected_clusters: Rows) -> Ranked:
    """Whether `seen` lies below `expected`, by ranks; rows of a cluster may depend on each other."""
    above = _share_below(-expected, -seen)
    below = _share_below(seen, expected)
    lower = float(above.mean())
    variance = _variance(above - lower, seen_clusters) + _variance(below - lower, expected_clusters)
    return Ranked(lower, (lower - 0.5) / math.sqrt(variance) if variance > 0 else -math.inf)


def _share_below(values: Values, limits: Values) -> Scores:
    """Of each limit, the share of `values` below it; equal ones count half. float64 [limits]."""
    ordered = np.sort(values)
    left, right = np.searchsorted(ordered, limits, "left"), np.searchsorted(ordered, limits, "right")
    return (left + right) / (2 * len(ordered))


def _variance(deviations: Scores, clusters: Rows) -> float:
    """Of the mean of `deviations`, whose sums over clusters are independent."""
    inverse = np.unique(clusters, return_inverse=True)[1].astype(np.int64)
    sums = summed(deviations, inverse)
    count = len(sums)
    return math.inf if count < 2 else float(sums @ sums) * count / (count - 1) / len(deviations) ** 2
