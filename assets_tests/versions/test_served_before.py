"""Where a profile takes latency and votes from: fixed as long as its other inputs are what they were."""

from __future__ import annotations

from pathlib import Path

from headwater.lake.recipe import Pin
from headwater.lake.records import read_record
from headwater.monitor.served import SERVED, SERVED_FILE, write_served
from headwater.versions.served_before import fixed_path, served_before

PATH = f"tiny/drift/{SERVED_FILE}"


def test_traffic_alone_makes_no_other_profile(copy, tmp_path: Path) -> None:
    lake = copy.lake
    record = read_record(lake, "main", "tiny", "profile")
    assert record is not None
    assert SERVED not in record.upstream
    inputs = {name: entry["data_version"] for name, entry in record.upstream.items()}
    assert served_before(lake, lake.resolve("main"), "tiny", {**inputs, "index": "other"}) == {}
    write_served(tmp_path, [])
    with lake.change("main", "judged", {}) as change:
        change.put(PATH, tmp_path / SERVED_FILE)
    head = lake.resolve("main")
    assert served_before(lake, head, "tiny", inputs) == {}
    assert served_before(lake, head, "tiny", {**inputs, "index": "other"}) == {SERVED: Pin(head, PATH)}


def test_a_release_that_is_made_again_takes_what_it_took(copy) -> None:
    lake = copy.lake
    for fixed, pins in ((b"{}", {}), (b'{"commit":"c","folder":"f"}', {SERVED: Pin("c", "f")})):
        with lake.change("main", "fixed", {}) as change:
            change.put(fixed_path("tiny"), fixed)
        assert served_before(lake, lake.resolve("main"), "tiny", {}) == pins
