"""Do values of one side lie below those of the other? By ranks, with rows of a cluster dependent.

Mann and Whitney (1947), with the variance of sums over clusters (Obuchowski, Nonparametric analysis of
clustered ROC curve data, Biometrics 1997).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headwater.monitor.clusters import Rows, summed

Scores = npt.NDArray[np.float64]
Values = npt.NDArray[np.floating]


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
