"""Tests and distances of one-dimensional distributions.

`numbers_differ` and `kinds_differ` decide; PSI and Jensen-Shannon are shown to people and decide nothing,
since their usual limits of .1 and .2 mean something else at every sample size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headwater.monitor.clusters import Rows, permutation_p, pooled, relabelled, summed

PERMUTATIONS = 999
GRID = 64
Values = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Difference:
    """The statistic (KS distance, or chi²), its p, and an effect size between 0 and 1."""

    statistic: float
    p: float
    effect: float


def numbers_differ(
    reference: Values,
    reference_clusters: Rows,
    window: Values,
    window_clusters: Rows,
    generator: np.random.Generator,
    *,
    permutations: int = PERMUTATIONS,
) -> Difference:
    """Kolmogorov-Smirnov distance of values [m] and [n]; the effect is the absolute value of Cliff's delta.

    p is Kolmogorov's asymptotic one when every row is its own cluster. Otherwise whole clusters are permuted
    and the distance is taken at 64 quantiles of the pooled values.
    """
    effect = abs(cliffs_delta(window, reference))
    clusters, own = pooled(reference_clusters, window_clusters)
    size = int(clusters.max()) + 1
    if size == len(clusters):
        distance = ks_distance(reference, window)
        return Difference(distance, kolmogorov_p(distance, len(reference), len(window)), effect)
    values = np.concatenate([reference, window])
    cuts = np.unique(np.quantile(values, np.linspace(0, 1, GRID + 1), method="inverted_cdf"))
    below = summed((values[:, None] <= cuts).astype(np.float32), clusters)
    rows = np.bincount(clusters).astype(np.float64)
    chosen = relabelled(own, size - own, permutations, generator).astype(np.float64)
    inside, taken = chosen @ below, (chosen @ rows)[:, None]
    gaps = np.abs(inside / taken - (below.sum(axis=0) - inside) / (rows.sum() - taken)).max(axis=1)
    return Difference(float(gaps[0]), permutation_p(gaps), effect)


def kinds_differ(
    reference: Rows,
    reference_clusters: Rows,
    window: Rows,
    window_clusters: Rows,
    generator: np.random.Generator,
    *,
    permutations: int = PERMUTATIONS,
) -> Difference:
    """Chi² of kinds numbered 0, 1, … [m] and [n], permuting whole clusters; the effect is Cramér's V.

    Permutation needs no least expected count, which rare languages would miss.
    """
    clusters, own = pooled(reference_clusters, window_clusters)
    kinds = np.concatenate([reference, window])
    present = np.unique(kinds)
    table = summed((kinds[:, None] == present).astype(np.float32), clusters)
    chosen = relabelled(own, len(table) - own, permutations, generator).astype(np.float64)
    inside = chosen @ table
    statistics = _chi_squared(inside, table.sum(axis=0) - inside)
    effect = math.sqrt(float(statistics[0]) / len(kinds))
    return Difference(float(statistics[0]), permutation_p(statistics), effect)


def ks_distance(first: Values, second: Values) -> float:
    """The largest distance of two empirical distribution functions."""
    first, second = np.sort(first), np.sort(second)
    points = np.concatenate([first, second])
    gaps = np.searchsorted(first, points, side="right") / len(first) - np.searchsorted(
        second, points, side="right"
    ) / len(second)
    return float(np.abs(gaps).max())


def kolmogorov_p(distance: float, n: int, m: int) -> float:
    """p of a KS distance between n and m values with Stephens' correction (JRSS B, 1970)."""
    root = math.sqrt(n * m / (n + m))
    scaled = (root + 0.12 + 0.11 / root) * distance
    if scaled < 0.2:
        return 1.0
    series = math.fsum((-1) ** (k - 1) * math.exp(-2 * (k * scaled) ** 2) for k in range(1, 101))
    return min(1.0, max(0.0, 2 * series))


def cliffs_delta(first: Values, second: Values) -> float:
    """P(first > second) - P(first < second), from -1 to 1 (Cliff, Psychological Bulletin 1993)."""
    ordered = np.sort(second)
    below = np.searchsorted(ordered, first, side="left").sum(dtype=np.int64)
    above = len(first) * len(second) - np.searchsorted(ordered, first, side="right").sum(dtype=np.int64)
    return float(below - above) / (len(first) * len(second))


def shares_in_bins(values: Values, edges: Values) -> npt.NDArray[np.float64]:
    """Share of the values up to each of the edges [k], and above the last: float64 [k + 1]."""
    places = np.searchsorted(edges, values, side="left")
    return np.bincount(places, minlength=len(edges) + 1) / max(1, len(values))


def population_stability_index(reference: Values, window: Values, *, smallest: float = 1e-4) -> float:
    """PSI of two lists of shares. Without drift its mean is (bins - 1)(1/n + 1/m): see Yurdakul (2018)."""
    first, second = np.maximum(reference, smallest), np.maximum(window, smallest)
    return float(np.sum((second - first) * np.log(second / first)))


def jensen_shannon(reference: Values, window: Values) -> float:
    """Jensen-Shannon distance of two lists of shares, from 0 to 1 (root of the divergence, in bits)."""
    middle = (reference + window) / 2
    divergence = (_relative_entropy(reference, middle) + _relative_entropy(window, middle)) / 2
    return math.sqrt(max(0.0, divergence))


def _relative_entropy(first: Values, second: Values) -> float:
    used = first > 0
    return float(np.sum(first[used] * np.log2(first[used] / second[used])))


def _chi_squared(
    inside: npt.NDArray[np.float64], outside: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    kinds = inside + outside
    total = kinds.sum(axis=1, keepdims=True)
    statistic = np.zeros(len(inside))
    for side in (inside, outside):
        expected = kinds * side.sum(axis=1, keepdims=True) / total
        statistic += ((side - expected) ** 2 / expected).sum(axis=1)
    return statistic
