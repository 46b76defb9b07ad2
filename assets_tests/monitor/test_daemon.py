"""The loop through a real daemon: questions that the index cannot answer become a refresh, by themselves."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import local_servers
import logged
import pytest
import tiny_product
import traffic

from headwater.index.search import SearchIndex
from headwater.inference_log.places import Places

SUPPORT = Path(__file__).parents[1] / "support"
DONE = (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE)


@pytest.fixture
def environment(copy: Any, tmp_path: Path) -> dict[str, str]:
    dagster_home = tmp_path / "dagster"
    dagster_home.mkdir()
    (dagster_home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    (tmp_path / "loaded.py").write_text(
        "import dagster as dg\nimport monitored\n\n@dg.definitions\ndef defs(): return monitored.loaded()\n"
    )
    path = os.pathsep.join([str(SUPPORT), *sys.path])
    return {
        **os.environ,
        "DAGSTER_HOME": str(dagster_home),
        "MONITORED": str(copy.folder),
        "PYTHONPATH": path,
    }


@pytest.fixture
def instance(environment: dict[str, str]) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.from_config(environment["DAGSTER_HOME"]) as found:
        yield found


@pytest.mark.thorough
def test_a_daemon_takes_windows_in_and_refreshes_once(
    copy: Any, environment: dict[str, str], instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    index = SearchIndex.open(copy.lake.fetch("production", "tiny/index/"))
    asked = traffic.known(20) + traffic.strange(40)
    lines = [
        logged.entry(number, record)
        for start in (0, 60)
        for number, record in enumerate(traffic.records(index, start, asked), start)
    ]
    logged.segment(Places.of(copy.folder / "home", tiny_product.PRODUCT).closed, lines)
    program, target = Path(sys.executable).parent, ["-f", str(tmp_path / "loaded.py")]
    start = [program / "dagster", "sensor", "start", "--start-all", *target]
    subprocess.run(start, env=environment, check=True, timeout=200)

    def refreshes() -> list[dg.DagsterRun]:
        return list(instance.get_runs(filters=dg.RunsFilter(tags={"headwater/refresh": "tiny"})))

    def ticks(name: str) -> list[Any]:
        states = [state for state in instance.all_instigator_state() if state.instigator_name == name]
        return [
            tick
            for state in states
            for tick in instance.get_ticks(state.instigator_origin_id, state.selector_id)
        ]

    log = tmp_path / "daemon.log"
    command = [str(program / "dagster-daemon"), "run", *target]
    with local_servers.running(command, log, environment, cwd=tmp_path) as process:
        local_servers.until(
            lambda: any(run.status in DONE for run in refreshes()),
            200,
            lambda: log.read_text()[-3000:],
            process,
        )
        # One more look of the sensor at the same verdict, which must not begin anything.
        seen = len(ticks("tiny_drift"))
        local_servers.until(
            lambda: len(ticks("tiny_drift")) > seen, 90, lambda: log.read_text()[-3000:], process
        )
    (refresh,) = refreshes()
    assert refresh.status is dg.DagsterRunStatus.SUCCESS
    assert refresh.tags["headwater/cause"] in ("data", "coverage")
    said = " ".join(tick.skip_reason or "" for tick in ticks("tiny_drift"))
    assert "acted upon at w-" in said
    event = instance.get_latest_materialization_event(dg.AssetKey(["tiny", "release"]))
    assert event is not None
    assert event.run_id == refresh.run_id
