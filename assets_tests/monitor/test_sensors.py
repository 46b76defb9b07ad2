"""The sensors by ticks: windows are taken in once, a drift is acted upon once and within its limits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import logged
import monitored
import pytest
import tiny_product
import traffic

from headwater.components.refreshes import earlier_refreshes
from headwater.index.search import SearchIndex
from headwater.inference_log.places import Places
from headwater.lake.records import read_record

Tick = Callable[..., dg.RunRequest | dg.SkipReason]
INDEXED = {"raw", "bronze", "silver", "chunks", "embeddings", "index", "questions", "profile"}
GAP = ({"coverage": "warn"}, {"coverage": "drift"})


@pytest.fixture
def instance() -> dg.DagsterInstance:
    return dg.DagsterInstance.ephemeral()


@pytest.fixture
def tick(copy: Any, instance: dg.DagsterInstance) -> Tick:
    """Evaluate a sensor as the daemon does."""

    def evaluate(name: str, **attributes: Any) -> dg.RunRequest | dg.SkipReason:
        loaded = monitored.definitions(copy.folder / "sources", copy.folder / "home", **attributes)
        resources = {"headwater": loaded.resources["headwater"]}
        with dg.build_sensor_context(instance=instance, definitions=loaded, resources=resources) as context:
            return loaded.resolve_sensor_def(f"tiny_{name}")(context)

    return evaluate


def run(copy: Any, instance: dg.DagsterInstance, request: Any, *names: str) -> None:
    """Make (some of) what was requested, with the request's tags."""
    loaded = monitored.definitions(copy.folder / "sources", copy.folder / "home")
    keys = [key for key in request.asset_selection if not names or key.path[-1] in names]
    job = loaded.resolve_job_def("build_tiny")
    assert job.execute_in_process(instance=instance, asset_selection=keys, tags=request.tags).success


def reason(found: Any) -> str:
    assert isinstance(found, dg.SkipReason)
    return str(found.skip_message)


def test_every_sensor_is_off_until_it_is_switched_on() -> None:
    sensors = monitored.monitoring().definitions().sensors or ()
    names = {sensor.name for sensor in sensors}
    assert names == {"tiny_windows", "tiny_drift", "tiny_drift_alert", "tiny_failure_alert"}
    assert {sensor.default_status for sensor in sensors} == {dg.DefaultSensorStatus.STOPPED}


def test_a_gap_requests_what_it_concerns_once(
    copy: Any, instance: dg.DagsterInstance, tick: Tick, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reason(tick("drift")) == "no window was judged yet"
    monitored.publish(copy.lake, monitored.verdicts({}), tmp_path)
    assert "no drift in w-1 (250 questions): data ok" in reason(tick("drift"))
    monitored.publish(copy.lake, monitored.verdicts(*GAP), tmp_path)
    assert "dry run: would make raw" in reason(tick("drift", refresh={"dry_run": True}))
    monkeypatch.setenv("HEADWATER_REFRESH", "off")
    assert "HEADWATER_REFRESH=off" in reason(tick("drift"))
    monkeypatch.delenv("HEADWATER_REFRESH")
    switch = copy.folder / "home" / "refresh.off"
    switch.touch()
    assert "refresh.off stands" in reason(tick("drift"))
    switch.unlink()

    request = tick("drift")
    assert isinstance(request, dg.RunRequest)
    assert {key.path[-1] for key in request.asset_selection or ()} == INDEXED | {"evaluation", "release"}
    assert request.tags == {
        "headwater/refresh": "tiny",
        "headwater/cause": "coverage",
        "headwater/window": "w-2",
        "headwater/release": "tiny-v1",
        "headwater/why": "coverage coverage is drift",
    }
    again = tick("drift")
    assert isinstance(again, dg.RunRequest)
    assert again.run_key == request.run_key

    run(copy, instance, request, "raw")
    (refresh,) = earlier_refreshes(instance, "tiny")
    assert (refresh.cause, refresh.window, refresh.state) == ("coverage", "w-2", "succeeded")
    assert refresh.cpu_seconds > 0
    assert "coverage: acted upon at w-2; tiny-v1 still stands" in reason(tick("drift"))
    other = monitored.verdicts(*GAP, {"data": "drift"})
    monitored.publish(copy.lake, other, tmp_path)
    assert "of 24 hours" in reason(tick("drift"))
    free = {"cooldown_hours": 0}
    assert "1 refreshes in seven days" in reason(tick("drift", refresh={**free, "per_week": 1}))
    spent = reason(tick("drift", refresh={**free, "cpu_seconds_per_day": 0}))
    assert f"{refresh.cpu_seconds:.0f} CPU seconds in 24 hours, and 0 are allowed" in spent
    assert "250 questions since" in reason(tick("drift", refresh={**free, "least_new_rows": 251}))
    assert isinstance(tick("drift", refresh=free), dg.RunRequest)


def test_a_refresh_that_runs_holds_the_next_one_back(
    copy: Any, instance: dg.DagsterInstance, tick: Tick, tmp_path: Path
) -> None:
    monitored.publish(copy.lake, monitored.verdicts(*GAP), tmp_path)
    request = tick("drift")
    assert isinstance(request, dg.RunRequest)
    instance.add_run(
        dg.DagsterRun(job_name="build_tiny", tags=request.tags, status=dg.DagsterRunStatus.STARTED)
    )
    monitored.publish(copy.lake, monitored.verdicts(*GAP, {"data": "drift"}), tmp_path)
    assert "a refresh for coverage has been running since" in reason(
        tick("drift", refresh={"cooldown_hours": 0})
    )


def test_segments_become_windows_and_verdicts_and_a_quiet_tick_requests_nothing(
    copy: Any, instance: dg.DagsterInstance, tick: Tick
) -> None:
    assert reason(tick("windows")) == "no closed segment of tiny waits"
    index = SearchIndex.open(copy.lake.fetch("production", "tiny/index/"))
    asked = [*traffic.records(index, 0, traffic.known(60)), *traffic.records(index, 60, traffic.strange(60))]
    lines = [logged.entry(number, record) for number, record in enumerate(asked)]
    logged.segment(Places.of(copy.folder / "home", tiny_product.PRODUCT).closed, lines)
    request = tick("windows")
    assert isinstance(request, dg.RunRequest)
    assert [key.path[-1] for key in request.asset_selection or ()] == ["inference", "feedback", "drift"]
    again = tick("windows")
    assert isinstance(again, dg.RunRequest)
    assert again.run_key == request.run_key
    run(copy, instance, request)
    loaded = monitored.definitions(copy.folder / "sources", copy.folder / "home")
    keys = loaded.resolve_asset_graph().asset_check_keys
    checks = {key.name for key in keys if key.asset_key.path == ["tiny", "drift"]}
    assert {"data", "text", "coverage", "concept", "label", "performance", "drift_schema"} <= checks
    event = instance.get_latest_materialization_event(dg.AssetKey(["tiny", "drift"]))
    assert event is not None
    assert event.asset_materialization is not None
    shown = event.asset_materialization.metadata
    assert shown["dagster/row_count"].value == 2
    assert {"map", "history", "similarity", "measures", "service", "verdicts", "gaps"} <= set(shown)
    record = read_record(copy.lake, "main", "tiny", "drift")
    assert record is not None
    assert record.config["release"] == "tiny-v1"
    assert shown["coverage/status"].value == 1
    versions = copy.versions()
    run(copy, instance, request)
    assert copy.versions() == versions
    assert "no drift in" in reason(tick("drift"))
