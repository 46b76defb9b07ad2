"""The last verdicts on /metrics: read whenever the service looks at production."""

from __future__ import annotations

from pathlib import Path

import local_servers
import monitored
import tiny_product

from headwater.lake import open_lake
from headwater.monitor.newest import FamilyState, Gap
from headwater.serve.metrics import Metrics
from headwater.serve.production import Production
from headwater.serve.verdict_gauges import VerdictGauges


def test_the_newest_verdicts_follow_the_lake_and_survive_a_broken_file(tmp_path: Path) -> None:
    lake, metrics = open_lake(tmp_path / "lake"), Metrics(dropped=lambda: 0)
    gauges = VerdictGauges(lake, tiny_product.PRODUCT, metrics.registry)

    def value(name: str, **labels: str) -> float | None:
        return metrics.registry.get_sample_value(f"headwater_drift_{name}", labels)

    production = Production(lake, tiny_product.PRODUCT, on_look=gauges.look)
    production.watch(0.05)
    try:
        assert value("status", family="data") is None
        first = monitored.verdicts({"coverage": "warn", "label": "insufficient"})
        measured = FamilyState(status="warn", why="gaps", test="not covered", p=0.0, effect=0.3, floor=0.1)
        gap = Gap(size=12, nearest_document="a.html", similarity=0.2)
        families = {**first.families, "coverage": measured}
        shown = first.model_copy(update={"families": families, "gaps": (gap,)})
        monitored.publish(lake, shown, tmp_path)
        local_servers.until(lambda: value("status", family="data") == 0, 30, lambda: "no verdict")
        assert (value("status", family="coverage"), value("status", family="label")) == (1, -1)
        assert (value("effect", family="coverage"), value("floor", family="coverage")) == (0.3, 0.1)
        assert (value("window_rows"), value("gap_questions")) == (250, 12)
        broken = tmp_path / "broken.json"
        broken.write_text("{}{")
        with lake.change("main", "broken", {}) as change:
            change.put("tiny/drift/newest.json", broken)
        gauges.look()
        assert value("window_info", window="w-1", release="tiny-v1") == 1
        monitored.publish(lake, monitored.verdicts({}, {"coverage": "drift"}), tmp_path)
        local_servers.until(lambda: value("status", family="coverage") == 2, 30, lambda: "no drift")
        assert value("window_info", window="w-1", release="tiny-v1") is None
        assert b'headwater_drift_status{family="coverage"} 2.0' in metrics.text()
    finally:
        production.close()
