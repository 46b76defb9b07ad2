"""Earlier refreshes of a product, as Dagster's instance remembers them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

import dagster as dg

from headwater.monitor.policy import Launch, Refresh

PRODUCT = "headwater/refresh"
CAUSE = "headwater/cause"
WINDOW = "headwater/window"
RELEASE = "headwater/release"
WHY = "headwater/why"
MOST_WHY = 500
LOOKED_AT = 100
"""Runs looked at, the newest: more than a policy can count in a week."""


def tags_of(product: str, launch: Launch) -> dict[str, str]:
    """The tags by which a refresh is known."""
    return {
        PRODUCT: product,
        CAUSE: launch.cause,
        WINDOW: launch.window,
        RELEASE: launch.release,
        WHY: launch.why[:MOST_WHY],
    }


def earlier_refreshes(instance: dg.DagsterInstance, product: str) -> list[Refresh]:
    """The last hundred, oldest first."""
    records = instance.get_run_records(filters=dg.RunsFilter(tags={PRODUCT: product}), limit=LOOKED_AT)
    return [_refresh(instance, record) for record in reversed(records)]


def _refresh(instance: dg.DagsterInstance, record: dg.RunRecord) -> Refresh:
    run = record.dagster_run
    return Refresh(
        cause=run.tags.get(CAUSE, ""),
        release=run.tags.get(RELEASE, ""),
        window=run.tags.get(WINDOW, ""),
        started=record.create_timestamp.replace(tzinfo=record.create_timestamp.tzinfo or UTC),
        state=_state(run.status),
        cpu_seconds=_cost(instance, record),
    )


def _state(status: dg.DagsterRunStatus) -> Literal["running", "succeeded", "failed"]:
    if status is dg.DagsterRunStatus.SUCCESS:
        return "succeeded"
    return "failed" if status in (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED) else "running"


def _cost(instance: dg.DagsterInstance, record: dg.RunRecord) -> float:
    """CPU seconds that the steps measured, or the run's wall seconds if those are more.

    A step that failed reports no CPU; its time counts as if one core had worked.
    """
    measured = sum(_cpu_seconds(event) for event in _materializations(instance, record))
    if record.start_time is None:
        return measured
    return max(measured, (record.end_time or datetime.now(UTC).timestamp()) - record.start_time)


def _materializations(instance: dg.DagsterInstance, record: dg.RunRecord) -> Sequence[dg.EventLogEntry]:
    return instance.all_logs(record.dagster_run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)


def _cpu_seconds(event: dg.EventLogEntry) -> float:
    made = event.asset_materialization
    value = made.metadata.get("cpu_seconds") if made is not None else None
    return float(value.value) if isinstance(value, dg.FloatMetadataValue) and value.value is not None else 0.0
