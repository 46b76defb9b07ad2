"""The newest verdicts as gauges, read from the lake whenever the service looks at production."""

from __future__ import annotations

import logging

from prometheus_client import CollectorRegistry, Gauge

from headwater.lake.errors import LakeError
from headwater.lake.protocol import Lake
from headwater.monitor.newest import Newest
from headwater.monitor.verdict import LEVELS
from headwater.settings import MAIN
from headwater.versions.verdicts import newest_at

log = logging.getLogger("headwater")


class VerdictGauges:
    """Gauges of a product's last verdicts; no family has a value before the first window was judged."""

    def __init__(self, lake: Lake, product: str, registry: CollectorRegistry) -> None:
        self._lake, self._product = lake, product
        self._shown = Newest()
        self._told = ""
        self._status = Gauge(
            "headwater_drift_status",
            "The newest window: 0 ok, 1 warn, 2 drift, -1 insufficient, -2 not comparable",
            ["family"],
            registry=registry,
        )
        self._effect = Gauge(
            "headwater_drift_effect", "Effect of the leading test", ["family"], registry=registry
        )
        self._floor = Gauge(
            "headwater_drift_floor", "Effect from which that test may alarm", ["family"], registry=registry
        )
        self._rows = Gauge("headwater_drift_window_rows", "Questions of the newest window", registry=registry)
        self._clusters = Gauge(
            "headwater_drift_window_clusters", "Sessions or users in it", registry=registry
        )
        self._gaps = Gauge(
            "headwater_drift_gap_questions", "Questions in its coverage gaps", registry=registry
        )
        self._info = Gauge(
            "headwater_drift_window_info", "The newest window", ["window", "release"], registry=registry
        )

    def look(self) -> None:
        """Show what the lake has now. What cannot be read leaves what was shown and is said once."""
        try:
            state = newest_at(self._lake, MAIN, self._product)
        except (LakeError, ValueError, OSError) as error:
            if str(error) != self._told:
                log.warning("the newest verdicts cannot be read: %s", error)
            self._told = str(error)
            return
        if state.window and state != self._shown:
            self._show(state)
            self._shown = state

    def _show(self, state: Newest) -> None:
        for gauge in (self._status, self._effect, self._floor, self._info):
            gauge.clear()
        for name, family in state.families.items():
            self._status.labels(name).set(LEVELS[family.status])
            if family.effect is not None and family.floor is not None:
                self._effect.labels(name).set(family.effect)
                self._floor.labels(name).set(family.floor)
        self._rows.set(state.rows)
        self._clusters.set(state.clusters)
        self._gaps.set(sum(gap.size for gap in state.gaps))
        self._info.labels(state.window, state.release).set(1)
