"""A candidate and production on the same questions: bounds, randomisation, and what could have been seen."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from statistics import NormalDist
from typing import Any

import numpy as np

from headwater.evaluate.group_bootstrap import GroupBootstrap

POWER = 0.8
_FLIPS_AT_ONCE = 1000
_ROUNDING = 1e-9
"""Relative; a flip that ties with what was observed counts as reaching it, however its sum is rounded."""


class Paired:
    """One improvement per question, in groups. Where there is but one group, each question is its own."""

    def __init__(
        self, improvements: Sequence[float], groups: Sequence[str], *, resamples: int, flips: int, seed: int
    ) -> None:
        self._values = np.asarray(improvements, dtype=np.float64)
        self._names = list(groups)
        self._resamples, self._flips, self._seed = resamples, flips, seed

    @property
    def questions(self) -> int:
        """How many questions were compared."""
        return len(self._values)

    @cached_property
    def groups(self) -> int:
        """How many different groups the questions are of."""
        return len(set(self._names))

    @property
    def mean(self) -> float:
        """The mean improvement."""
        return float(self._values.mean())

    def lower_bound(self, confidence: float) -> float:
        """One-sided, from the bootstrap of groups: with this confidence the improvement is not below."""
        return self._bootstrap.lower_bound(self._values.tolist(), confidence)

    def detectable(self, level: float) -> float:
        """The difference that a one-sided test at `level` finds with a power of 80 %.

        (z(1 - level) + z(0.8)) standard errors, Cohen, Statistical Power Analysis, 1988, chapter 2.
        """
        normal = NormalDist()
        factor = normal.inv_cdf(1 - level) + normal.inv_cdf(POWER)
        return factor * self._bootstrap.standard_error(self._values.tolist())

    def p_better(self, margin: float) -> float:
        """How often chance alone gives such an improvement if it is at most `margin`."""
        return sign_flip_p(self._values - margin, self._names, flips=self._flips, seed=self._seed)

    def p_worse(self, margin: float) -> float:
        """How often chance alone gives such a loss if it is at most `margin`."""
        return sign_flip_p(-self._values - margin, self._names, flips=self._flips, seed=self._seed)

    @cached_property
    def _bootstrap(self) -> GroupBootstrap:
        return GroupBootstrap(self._names, resamples=self._resamples, confidence=0.95, seed=self._seed)


def sign_flip_p(values: Any, groups: Sequence[str], *, flips: int, seed: int) -> float:
    """One-sided p-value of a mean above 0 by paired randomisation (Fisher, The Design of Experiments, 1935).

    Without a difference between the two, which of them has which result is a toss of a coin: the signs of
    whole groups are flipped, since results of one group are alike. p is (1 + flips that reach the mean
    observed) / (1 + flips), which is exact at any number of flips (Phipson and Smyth, Statistical
    Applications in Genetics and Molecular Biology 9, 2010). `values` has one number per question.
    """
    _, codes = np.unique(np.asarray(groups), return_inverse=True)
    if not codes.any():
        codes = np.arange(len(codes))
    totals = np.bincount(codes, np.asarray(values, dtype=np.float64))
    least = totals.sum() - _ROUNDING * np.abs(totals).sum()
    random = np.random.default_rng(seed)
    reached = 0
    for begin in range(0, flips, _FLIPS_AT_ONCE):
        count = min(_FLIPS_AT_ONCE, flips - begin)
        kept = random.integers(0, 2, size=(count, len(totals)), dtype=np.int8)
        reached += int(np.count_nonzero((2.0 * kept - 1.0) @ totals >= least))
    return (1 + reached) / (1 + flips)
