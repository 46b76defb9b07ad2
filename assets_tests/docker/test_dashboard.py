"""The Grafana dashboard: every panel shows something that the service has."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from headwater.lake import open_lake
from headwater.serve.metrics import Metrics
from headwater.serve.verdict_gauges import VerdictGauges

FILE = Path(__file__).parents[2] / "docker" / "grafana-dashboard.json"
NAME = re.compile(r"headwater_\w+")


@pytest.fixture(scope="module")
def panels() -> list[dict[str, Any]]:
    return json.loads(FILE.read_text())["panels"]


@pytest.fixture
def known(tmp_path: Path) -> set[str]:
    """Every series that a service may have, and every label of it."""
    metrics = Metrics(dropped=lambda: 0)
    VerdictGauges(open_lake(tmp_path), "tiny", metrics.registry)
    names: set[str] = set()
    for family in metrics.registry.collect():
        suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "gauge": ("",)}
        names |= {family.name + suffix for suffix in suffixes[family.type]}
    return names


def test_every_metric_on_it_exists(panels: list[dict[str, Any]], known: set[str]) -> None:
    text = json.dumps(panels)
    used = set(NAME.findall(text))
    assert used <= known, used - known
    assert {name for name in known if "drift" in name} <= used


def test_panels_have_a_title_a_description_and_a_place_of_their_own(panels: list[dict[str, Any]]) -> None:
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        assert panel["title"]
        place = panel["gridPos"]
        cells = {
            (column, line)
            for column in range(place["x"], place["x"] + place["w"])
            for line in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
        if panel["type"] != "row":
            assert panel["description"]
            assert {target["datasource"]["uid"] for target in panel["targets"]} == {"${datasource}"}
