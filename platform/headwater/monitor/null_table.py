"""How far a window without drift lies from the reference: quantiles over windows of the reference itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headwater.monitor.clusters import Floats, Rows, summed

WINDOWS = 300
LEVELS = (0.5, 0.95, 0.99)


@dataclass(frozen=True)
class NullTable:
    """Quantiles at `LEVELS` of the centroid distance, [sizes, levels], for windows of so many clusters."""

    clusters: Sequence[int]
    quantiles: Sequence[Sequence[float]]

    def at(self, clusters: int, level: float = 0.99) -> float:
        """The quantile for a window of this many clusters, interpolated in 1 / clusters.

        The distance falls with the number of clusters; beyond the table's ends it stays at them.
        """
        inverse = [1 / size for size in reversed(self.clusters)]
        values = [row[LEVELS.index(level)] for row in reversed(self.quantiles)]
        return float(np.interp(1 / max(1, clusters), inverse, values))


def centroid_distance(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> float:
    """1 - cosine of two mean vectors [d]; 1 where one of them is zero."""
    norms = float(np.linalg.norm(first) * np.linalg.norm(second))
    return 1.0 if norms == 0 else 1 - float(first @ second) / norms


def null_table(embeddings: Floats, clusters: Rows, generator: np.random.Generator) -> NullTable:
    """Draw 300 windows of whole clusters at each size, and measure each against the clusters left over.

    Sizes double from 20 clusters to half of the reference (at least one size).
    """
    inverse = np.unique(clusters, return_inverse=True)[1].astype(np.int64)
    sums = summed(embeddings, inverse)
    most = max(2, len(sums) // 2)
    sizes = [min(20, most)]
    while sizes[-1] < most:
        sizes.append(min(sizes[-1] * 2, most))
    quantiles: list[list[float]] = []
    for size in sizes:
        distances: list[float] = []
        for _ in range(WINDOWS):
            window = sums[generator.permutation(len(sums))[:size]].sum(axis=0)
            distances.append(centroid_distance(window, sums.sum(axis=0) - window))
        quantiles.append([float(value) for value in np.quantile(distances, LEVELS)])
    return NullTable(sizes, quantiles)
