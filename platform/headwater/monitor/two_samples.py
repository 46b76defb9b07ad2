"""Do two sets of embeddings come from one distribution? Two statistics, one permutation test.

*Centroids*: the distance of the two means, each direction weighed by the inverse of the pooled covariance
plus `RIDGE` times its mean eigenvalue (Hotelling's T², regularised as Chen, Paul, Prentice and Wang, A
regularized Hotelling's T² test, JASA 2011), relative to its variance between clusters. It sees a shift of
weight between known subjects.

*Novelty*: the mean cosine of a row to its `NEIGHBOURS` nearest among all rows of other clusters. Its mean
over a cluster becomes a standard score for clusters of that size, and the squares of those that are unlike
the rest are summed over the window. It sees what the reference has little of. Where a few whole documents are
foreign and all others are as ever, a mean over the window dilutes them; a sum that grows faster than the
scores does not (on sparse mixtures: Donoho and Jin, Annals of Statistics 2004).

The neighbours and the covariance are those of both sides together, so nothing of them depends on which side a
row is on, and permuting whole clusters gives the exact null distribution where clusters are exchangeable.
Standard errors and scores that know of clusters keep it near that where they are not (for the former: Chung
and Romano, Annals of Statistics 2013). In every permutation both statistics become standard scores, and their
positive parts are added: one p without correction (nonparametric combination: Pesarin, Multivariate
Permutation Tests, 2001). Weak signs in both add up, and a strong one in either is not cancelled by the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headwater.monitor.clusters import Floats, Rows, drawn, permutation_p, pooled, relabelled, summed
from headwater.monitor.ranks import ranked_lower

PERMUTATIONS = 499
MOST_ROWS = 5000
"""Of a side; larger ones are subsampled by whole clusters. Cost grows with the square of the rows."""
RIDGE = 5.0
NEIGHBOURS = 10
BLOCK_ROWS = 1024
LEAST_VARIANCE = 0.2
"""Of a cluster's mean, as a share of the average one: a fit to few sizes may otherwise fall to nothing."""
_TINY = 1e-12

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Difference:
    """`p` of both statistics together; `centroids_p` and `novelty_p` of each alone, before any correction.

    `ratio` is the squared distance of the means over its variance, about 1 without drift. `lower` is the
    chance that a row of the window is less like its nearest row in other clusters of the reference than a row
    of the reference is: an effect, which new questions that resemble each other do not hide.
    """

    p: float
    centroids_p: float
    novelty_p: float
    ratio: float
    lower: float
    window_clusters: int


def two_sample_test(
    reference: Floats,
    reference_clusters: Rows,
    window: Floats,
    window_clusters: Rows,
    generator: np.random.Generator,
    *,
    permutations: int = PERMUTATIONS,
) -> Difference:
    """Compare unit vectors [m, d] and [n, d] with cluster numbers [m] and [n].

    Raises `ValueError` when either side has fewer than two clusters.
    """
    kept = drawn(reference_clusters, MOST_ROWS, generator)
    seen = drawn(window_clusters, MOST_ROWS, generator)
    rows = np.concatenate([reference[kept], window[seen]]).astype(np.float32)
    clusters, own = pooled(reference_clusters[kept], window_clusters[seen])
    other = int(clusters.max()) + 1 - own
    if min(own, other) < 2:
        raise ValueError(f"both sides need two clusters or more, not {own} and {other}")
    sides = _Sides.of(clusters, relabelled(own, other, permutations, generator))
    split = len(kept)
    likeness, nearest = neighbour_cosines(rows, clusters, split)
    ratios = sides.squared_ratios(_decorrelated(rows))
    novelty = sides.sums(np.maximum(_cluster_scores(-likeness, clusters), 0) ** 2)
    return Difference(
        p=permutation_p(_positive_scores(np.log(ratios)) + _positive_scores(novelty)),
        centroids_p=permutation_p(ratios),
        novelty_p=permutation_p(novelty),
        ratio=float(ratios[0]),
        lower=ranked_lower(nearest[split:], clusters[split:], nearest[:split], clusters[:split]).lower,
        window_clusters=other,
    )


def neighbour_cosines(rows: Floats, clusters: Rows, reference: int) -> tuple[Values, Values]:
    """Cosines of each unit vector to rows of other clusters: two of float64 [n].

    The mean of the nearest ten (or as many as every row has), and the nearest of the first `reference` rows.
    Products are made a block of rows at a time.
    """
    neighbours = min(NEIGHBOURS, len(rows) - int(np.bincount(clusters).max()))
    likeness = np.empty(len(rows), dtype=np.float64)
    nearest = np.empty(len(rows), dtype=np.float64)
    for start in range(0, len(rows), BLOCK_ROWS):
        block = slice(start, start + BLOCK_ROWS)
        cosines = rows[block] @ rows.T
        cosines[clusters[block, None] == clusters] = -np.inf
        nearest[block] = cosines[:, :reference].max(axis=1)
        cosines.partition(len(rows) - neighbours, axis=1)
        likeness[block] = cosines[:, len(rows) - neighbours :].mean(axis=1, dtype=np.float64)
    return likeness, nearest


def _decorrelated(rows: Floats) -> Floats:
    """Rows less their mean, in coordinates in which the regularised covariance is the unit matrix."""
    centred = rows - rows.mean(axis=0)
    covariance = (centred.T @ centred).astype(np.float64) / len(rows)
    ridge = RIDGE * float(np.trace(covariance)) / len(covariance) + _TINY
    factor = np.linalg.cholesky(covariance + ridge * np.eye(len(covariance)))
    return centred @ np.linalg.inv(factor).T.astype(np.float32)


def _cluster_scores(values: Values, clusters: Rows) -> Values:
    """Standard scores of clusters' mean values [n], whatever the clusters' sizes: float64 [clusters].

    The variance of a mean of s rows is a + b / s, fitted by least squares: rows of a cluster share a part.
    """
    sizes = np.bincount(clusters).astype(np.float64)
    deviations = summed(values, clusters) / sizes - values.mean()
    squares = deviations**2
    terms = np.stack([np.ones_like(sizes), 1 / sizes], axis=1)
    fitted = terms @ np.linalg.lstsq(terms, squares)[0]
    return deviations / np.sqrt(np.maximum(fitted, LEAST_VARIANCE * squares.mean()) + _TINY)


def _positive_scores(statistics: Values) -> Values:
    spread = float(statistics.std())
    scores = (statistics - statistics.mean()) / spread if spread > 0 else np.zeros_like(statistics)
    return np.maximum(scores, 0)


@dataclass(frozen=True)
class _Sides:
    """Sums of both sides under every relabelling: `chosen` [1 + permutations, clusters] plays the window."""

    clusters: Rows
    chosen: Floats
    sizes: Floats

    @classmethod
    def of(cls, clusters: Rows, chosen: Floats) -> _Sides:
        return cls(clusters, chosen, np.bincount(clusters).astype(np.float32))

    def squared_ratios(self, rows: Floats) -> Values:
        """Squared distance of the sides' means over the variance that clusters give it: [1 + permutations].

        With the sums s_c and sizes n_c of clusters, the mean of a side is m = Σ s_c / n and its variance
        Σ |s_c - n_c m|² / n².
        """
        sums = self._by_cluster(rows)
        parts = zip(
            self._of_sides(self.sizes),
            self._of_sides(sums),
            self._of_sides(sums * self.sizes[:, None]),
            self._of_sides(np.einsum("ij,ij->i", sums, sums)),
            self._of_sides(self.sizes**2),
            strict=True,
        )
        means: list[Values] = []
        variance = np.zeros(len(self.chosen))
        for size, total, weighted, squares, squared_sizes in parts:
            mean = total / size[:, None]
            spread = squares - 2 * np.einsum("ij,ij->i", weighted, mean)
            variance += (spread + np.einsum("ij,ij->i", mean, mean) * squared_sizes) / size**2
            means.append(mean)
        difference = means[0] - means[1]
        return (np.einsum("ij,ij->i", difference, difference) + _TINY) / (variance + _TINY)

    def sums(self, values: Values) -> Values:
        """Sums over the window's clusters of values [clusters]: [1 + permutations]."""
        return self._of_sides(values)[0]

    def _of_sides(self, values: npt.NDArray[np.floating]) -> tuple[Values, Values]:
        """Sums of values [clusters, …] over the window and over the rest: each [1 + permutations, …]."""
        window = (self.chosen @ values).astype(np.float64)
        return window, values.sum(axis=0, dtype=np.float64) - window

    def _by_cluster(self, rows: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
        if len(self.sizes) == len(rows):
            return rows[np.argsort(self.clusters)]
        return summed(rows, self.clusters).astype(rows.dtype)
