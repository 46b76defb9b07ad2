"""Maximum mean discrepancy: are two sets of embeddings drawn from one distribution?

Gretton et al., A Kernel Two-Sample Test, JMLR 2012: Gaussian kernel, its width the median distance. The null
distribution comes from permuting whole clusters, and pairs within a cluster are left out of the estimate,
since what a session says twice tells nothing about the distance between the sets.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headwater.monitor.clusters import Floats, Rows, drawn, permutation_p, pooled, relabelled

PERMUTATIONS = 499
"""The smallest p is .002: what a family of two tests needs to reach .01 after Holm's correction."""
REFERENCE_ROWS, WINDOW_ROWS = 1000, 1000
"""Larger sets are subsampled by whole clusters: the cost grows with the square of the rows."""
_WIDTH_ROWS = 300


@dataclass(frozen=True)
class Discrepancy:
    """`squared` is the unbiased estimate of MMD², which may be below 0; `p` comes from permutations."""

    squared: float
    p: float
    reference_clusters: int
    window_clusters: int


def mmd_test(
    reference: Floats,
    reference_clusters: Rows,
    window: Floats,
    window_clusters: Rows,
    generator: np.random.Generator,
    *,
    permutations: int = PERMUTATIONS,
) -> Discrepancy:
    """Compare embeddings [m, d] and [n, d] with cluster numbers [m] and [n].

    Raises `ValueError` when either side has fewer than two clusters.
    """
    kept = drawn(reference_clusters, REFERENCE_ROWS, generator)
    seen = drawn(window_clusters, WINDOW_ROWS, generator)
    rows = np.concatenate([reference[kept], window[seen]]).astype(np.float32)
    clusters, own = pooled(reference_clusters[kept], window_clusters[seen])
    other = int(clusters.max()) + 1 - own
    if min(own, other) < 2:
        raise ValueError(f"both sides need two clusters or more, not {own} and {other}")
    kernel = _by_cluster(_gaussian(rows, generator), clusters)
    np.fill_diagonal(kernel, 0)
    sizes = np.bincount(clusters).astype(np.float32)
    chosen = relabelled(own, other, permutations, generator)
    estimates = _estimates(kernel, sizes, chosen)
    return Discrepancy(float(estimates[0]), permutation_p(estimates), own, other)


def _gaussian(rows: Floats, generator: np.random.Generator) -> Floats:
    squares = np.einsum("ij,ij->i", rows, rows)
    kernel = rows @ rows.T
    kernel *= -2
    kernel += squares[:, None]
    kernel += squares
    sample = generator.permutation(len(rows))[:_WIDTH_ROWS]
    distances = kernel[np.ix_(sample, sample)][np.triu_indices(len(sample), 1)]
    width = max(float(np.median(distances)), np.finfo(np.float32).tiny)
    kernel *= -1 / (2 * width)
    return np.exp(kernel, out=kernel)


def _by_cluster(kernel: Floats, clusters: Rows) -> Floats:
    """Sums of the kernel over pairs of clusters, float32 [clusters, clusters]."""
    if len(clusters) == clusters.max() + 1:
        order = np.argsort(clusters)
        return kernel if np.array_equal(order, clusters) else kernel[np.ix_(order, order)]
    order = np.argsort(clusters, kind="stable")
    starts = np.flatnonzero(np.diff(clusters[order], prepend=-1))
    across = np.add.reduceat(kernel[order][:, order], starts, axis=0)
    return np.add.reduceat(across, starts, axis=1)


def _estimates(kernel: Floats, sizes: Floats, chosen: Floats) -> npt.NDArray[np.float64]:
    products = chosen @ kernel
    inside = np.einsum("ij,ij->i", products, chosen, dtype=np.float64)
    between = products.sum(axis=1, dtype=np.float64) - inside
    outside = kernel.sum(dtype=np.float64) - inside - 2 * between
    rows = (chosen @ sizes).astype(np.float64)
    rest = sizes.sum(dtype=np.float64) - rows
    squared_sizes = (sizes * sizes).astype(np.float64)
    own_pairs = chosen @ squared_sizes
    pairs = rows * rows - own_pairs
    rest_pairs = rest * rest - (squared_sizes.sum() - own_pairs)
    return inside / pairs + outside / rest_pairs - 2 * between / (rows * rest)
