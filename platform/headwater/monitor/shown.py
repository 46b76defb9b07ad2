"""Distances that people know, and the service before and now: shown to people, deciding nothing."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from headwater.monitor.clusters import Floats
from headwater.monitor.distributions import jensen_shannon, population_stability_index, shares_in_bins
from headwater.monitor.profile import Profile
from headwater.monitor.rows import WindowData
from headwater.monitor.verdict import ShownDistance, ShownLevel

LATENCY_LEVELS = (0.5, 0.95, 0.99)


def shown_distances(measures: Mapping[str, Floats], profile: Profile) -> list[ShownDistance]:
    """PSI and Jensen-Shannon distance over the profile's bins (tenths of the reference)."""
    found: list[ShownDistance] = []
    for name, edges in sorted(profile.edges.items()):
        now = measures.get(name)
        if now is None or not edges or np.isnan(now).all():
            continue
        bounds = np.asarray(edges, dtype=np.float32)
        before = profile.reference.measures[name]
        old = shares_in_bins(before[~np.isnan(before)], bounds)
        new = shares_in_bins(now[~np.isnan(now)], bounds)
        found.append(
            ShownDistance(
                name=name,
                psi=population_stability_index(old, new),
                jensen_shannon=jensen_shannon(old, new),
                reference_bins=tuple(float(share) for share in old),
                window_bins=tuple(float(share) for share in new),
            )
        )
    return found


def shown_levels(window: WindowData, profile: Profile) -> list[ShownLevel]:
    """Latency quantiles, failed requests and thumbs down of earlier releases and of the window."""
    served, requests, down = profile.served, window.requests, window.observed.down
    before = served.latency_ms if served is not None else _NOTHING
    now = requests.latency_ms if requests is not None else _NOTHING
    levels = [
        ShownLevel(
            name=f"latency, {level:.0%} of answers",
            unit="ms",
            reference=_quantile(before, level),
            window=_quantile(now, level),
        )
        for level in LATENCY_LEVELS
    ]
    failures = ShownLevel(
        name="failed requests",
        unit="%",
        reference=_share(served.failed, len(before) + served.failed) if served is not None else None,
        window=_share(requests.failed, len(now) + requests.failed) if requests is not None else None,
    )
    votes = ShownLevel(
        name="thumbs down",
        unit="%",
        reference=_mean(served.down) if served is not None else None,
        window=_mean(down) if down is not None else None,
    )
    return [level for level in (*levels, failures, votes) if (level.reference, level.window) != (None, None)]


_NOTHING = np.zeros(0, dtype=np.float32)


def _quantile(values: Floats, level: float) -> float | None:
    return float(np.quantile(values, level)) if len(values) else None


def _mean(votes: Floats) -> float | None:
    known = votes[~np.isnan(votes)]
    return _share(int(known.sum()), len(known))


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
