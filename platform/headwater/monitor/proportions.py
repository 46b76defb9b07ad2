"""Tests of shares: of clusters against a reference, and of counts against an objective."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headwater.monitor.clusters import Rows, permutation_p, pooled, relabelled, summed

PERMUTATIONS = 999


@dataclass(frozen=True)
class Shares:
    """Share of the reference and of the window, and the one-sided p that the window's is larger."""

    reference: float
    window: float
    p: float


def share_rose(
    reference: npt.NDArray[np.floating],
    reference_clusters: Rows,
    window: npt.NDArray[np.floating],
    window_clusters: Rows,
    generator: np.random.Generator,
) -> Shares:
    """Compare the means of 0/1 values [m] and [n], permuting whole clusters.

    Where every row is its own cluster the p is Fisher's exact one. Raises `ValueError` for an empty side.
    """
    if len(reference) == 0 or len(window) == 0:
        raise ValueError("a share needs rows on both sides")
    before, now = float(np.mean(reference)), float(np.mean(window))
    clusters, own = pooled(reference_clusters, window_clusters)
    if int(clusters.max()) + 1 == len(clusters):
        events = [round(float(side.sum())) for side in (window, reference)]
        return Shares(before, now, two_proportions(events[0], len(window), events[1], len(reference)))
    sums = summed(np.concatenate([reference, window]).astype(np.float64), clusters)
    sizes = np.bincount(clusters).astype(np.float64)
    chosen = relabelled(own, len(sizes) - own, PERMUTATIONS, generator).astype(np.float64)
    inside, rows = chosen @ sums, chosen @ sizes
    differences = inside / rows - (sums.sum() - inside) / (sizes.sum() - rows)
    return Shares(before, now, permutation_p(differences))


def two_proportions(events: int, trials: int, reference_events: int, reference_trials: int) -> float:
    """One-sided exact p that the first share is larger (Fisher, 1935), for independent trials."""
    _check(events, trials)
    _check(reference_events, reference_trials)
    total, found = trials + reference_trials, events + reference_events
    most = min(trials, found)
    logs = [
        _log_choose(found, k) + _log_choose(total - found, trials - k) - _log_choose(total, trials)
        for k in range(max(events, trials - (total - found)), most + 1)
    ]
    return min(1.0, math.fsum(math.exp(value) for value in logs))


def binomial_above(events: int, trials: int, rate: float) -> float:
    """Exact p of `events` or more in `trials` when each happens with probability `rate`."""
    _check(events, trials)
    if not 0 < rate < 1:
        raise ValueError(f"a rate lies between 0 and 1, not {rate}")
    if events == 0:
        return 1.0
    terms = [
        math.exp(_log_choose(trials, k) + k * math.log(rate) + (trials - k) * math.log1p(-rate))
        for k in range(events, trials + 1)
    ]
    return min(1.0, math.fsum(terms))


def _check(events: int, trials: int) -> None:
    if not 0 <= events <= trials:
        raise ValueError(f"{events} events of {trials} trials")


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
