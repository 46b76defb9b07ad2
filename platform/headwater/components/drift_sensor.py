"""The sensor on a product's newest verdict: a drift becomes a refresh of what it concerns, within limits."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from headwater.components.refreshes import earlier_refreshes, tags_of
from headwater.components.resource import Headwater
from headwater.monitor.policy import Launch, RefreshPolicy, decide
from headwater.release import current_release
from headwater.versions.verdicts import newest_at

SWITCH = "HEADWATER_REFRESH"
SWITCH_FILE = "refresh.off"


def drift_sensor(product: str, policy: RefreshPolicy, seconds: int) -> dg.SensorDefinition:
    """Requests the assets that the newest verdict's cause concerns; every skip says its numbers."""

    @dg.sensor(
        name=f"{product}_drift",
        target=dg.AssetSelection.groups(product),
        minimum_interval_seconds=seconds,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Refreshes what a confirmed drift concerns, within the limits of `refresh`.",
    )
    def sensor(context: dg.SensorEvaluationContext, headwater: Headwater) -> dg.RunRequest | dg.SkipReason:
        settings = headwater.settings()
        lake = settings.open_lake()
        assert context.repository_def is not None
        keys = context.repository_def.asset_graph.materializable_asset_keys
        standing = current_release(lake, product)
        decision = decide(
            newest_at(lake, settings.branch, product),
            earlier_refreshes(context.instance, product),
            policy,
            now=datetime.now(UTC),
            release=standing.name if standing else "",
            available={key.path[1] for key in keys if len(key.path) == 2 and key.path[0] == product},
            switched_off=switched_off(os.environ, settings.home),
        )
        if not isinstance(decision, Launch):
            return dg.SkipReason(decision.why)
        context.log.info("%s: %s drift: %s", product, decision.cause, decision.why)
        return dg.RunRequest(
            run_key=decision.key,
            asset_selection=[dg.AssetKey([product, name]) for name in decision.assets],
            tags=tags_of(product, decision),
        )

    return sensor


def switched_off(environment: Mapping[str, str], home: Path) -> str:
    """Who switched refreshes off: the variable, or a file that anybody can put there; empty if nobody did."""
    if environment.get(SWITCH, "").strip().lower() in ("off", "0", "false", "no"):
        return f"{SWITCH}={environment[SWITCH]}"
    if (home / SWITCH_FILE).exists():
        return f"{SWITCH_FILE} stands in HEADWATER_HOME"
    return ""
