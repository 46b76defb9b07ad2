"""Distances that people know, per measure. They are shown and decide nothing."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from headwater.monitor.clusters import Floats
from headwater.monitor.distributions import jensen_shannon, population_stability_index, shares_in_bins
from headwater.monitor.profile import Profile
from headwater.monitor.verdict import ShownDistance


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
