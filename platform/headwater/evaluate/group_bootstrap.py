"""Confidence intervals of ratios over examples that come in groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Estimate:
    """A figure with the ends of its confidence interval."""

    value: float
    low: float
    high: float


class GroupBootstrap:
    """Percentile bootstrap of ratios, resampling whole groups, since examples of one group are alike.

    Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 8 and 13. Where there is but one
    group, single examples are resampled, and `unit` says so. With few groups the intervals are too narrow.
    """

    def __init__(self, groups: Sequence[str], *, resamples: int, confidence: float, seed: int) -> None:
        names = sorted(set(groups))
        self.unit = "group" if len(names) > 1 else "example"
        codes = [names.index(group) for group in groups] if len(names) > 1 else list(range(len(groups)))
        self._codes = np.asarray(codes)
        self._units = max(codes) + 1
        self._tail = 50 * (1 - confidence)
        self._draws = np.random.default_rng(seed).integers(self._units, size=(resamples, self._units))

    def mean(self, values: Sequence[float]) -> Estimate:
        """The mean of one value per example; of a paired comparison, of the differences."""
        return self._estimate(float(np.mean(values)), self._means(values))

    def lower_bound(self, values: Sequence[float], confidence: float) -> float:
        """One-sided: with this confidence the mean is not below."""
        return float(np.quantile(self._means(values), 1 - confidence))

    def standard_error(self, values: Sequence[float]) -> float:
        """Standard deviation of the resampled means."""
        return float(np.std(self._means(values), ddof=1))

    def _means(self, values: Sequence[float]) -> Any:
        totals = np.bincount(self._codes, np.asarray(values, dtype=np.float64), self._units)
        counts = np.bincount(self._codes, minlength=self._units)
        return totals[self._draws].sum(axis=1) / counts[self._draws].sum(axis=1)

    def compare(
        self, before: Sequence[float], after: Sequence[float], weights: Sequence[float]
    ) -> tuple[Estimate, Estimate, Estimate]:
        """sum(before) / sum(weights), the same of `after`, and the paired difference after - before."""
        totals = [np.bincount(self._codes, one, self._units) for one in (before, after, weights)]
        resampled = [total[self._draws].sum(axis=1) for total in totals]
        usable = resampled[2] > 0
        ratios = [one[usable] / resampled[2][usable] for one in resampled[:2]]
        values = [float(total.sum() / totals[2].sum()) for total in totals[:2]]
        return (
            self._estimate(values[0], ratios[0]),
            self._estimate(values[1], ratios[1]),
            self._estimate(values[1] - values[0], ratios[1] - ratios[0]),
        )

    def _estimate(self, value: float, resampled: Any) -> Estimate:
        low, high = np.percentile(resampled, [self._tail, 100 - self._tail])
        return Estimate(value, float(low), float(high))
