"""What is kept of the service in numbers, and what a profile and a window's report make of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from headwater.monitor.judge import judge
from headwater.monitor.profile import Profile, build
from headwater.monitor.rows import Observed, Requests, WindowData
from headwater.monitor.served import (
    MOST_REQUESTS,
    SERVED_FILE,
    Served,
    ServedWindow,
    read_served,
    write_served,
)

Draw = Callable[..., Observed]


def _row(number: int, **changed: Any) -> dict[str, Any]:
    return {"response_id": f"r{number}", "session": "", "user": "", "release": "docs-v1", "status": 200,
            "latency_ms": 10.0 + number, "vote": None, "question": "secret", **changed}  # fmt: skip


def test_a_window_becomes_numbers_without_words_or_names(tmp_path: Path) -> None:
    rows = [
        _row(0, session="anna", vote=-1),
        _row(1, session="anna", vote=1),
        _row(2, user="bert", vote=-1, release="docs-v2"),
        _row(3, status=503, latency_ms=1.0),
        _row(4, vote=0),
    ]
    write_served(tmp_path, [ServedWindow.of("w-1", rows)])
    text = (tmp_path / SERVED_FILE).read_text()
    assert not [word for word in ("secret", "anna", "bert", "r0") if word in text]
    served = Served.read(tmp_path / SERVED_FILE)
    assert served is not None
    assert served.requests == {"docs-v1": 4, "docs-v2": 1}
    assert (served.windows, served.failed) == (1, 1)
    assert served.latency_ms.tolist() == [10, 11, 12, 14]
    assert sorted(zip(served.clusters.tolist(), served.down.tolist(), strict=True)) == [
        (0, 1),
        (1, 0),
        (1, 1),
    ]
    assert served.shown == "5 requests in 1 windows: 4 of docs-v1, 1 of docs-v2"


def test_the_newest_windows_are_kept_whichever_way_they_came(tmp_path: Path) -> None:
    windows = [ServedWindow.of(f"w-{number}", [_row(0)] * (MOST_REQUESTS // 2)) for number in range(4)]
    kept: list[ServedWindow] = []
    for one in windows:
        (tmp_path / "steps").mkdir(exist_ok=True)
        write_served(tmp_path / "steps", [*kept, one])
        kept = list(read_served(tmp_path / "steps"))
    write_served(tmp_path, windows[::-1])
    assert (tmp_path / SERVED_FILE).read_bytes() == (tmp_path / "steps" / SERVED_FILE).read_bytes()
    assert [one.window for one in kept] == ["w-2", "w-3"]
    assert read_served(None) == read_served(tmp_path / "nowhere") == ()
    write_served(tmp_path, [])
    assert Served.read(tmp_path / SERVED_FILE) is None


def test_a_profile_keeps_it_and_votes_are_compared_with_it_from_the_first_window_on(
    draw: Draw, tmp_path: Path
) -> None:
    down = np.tile([1, 0, 0, 0, 0, 0, 0, 0, 0, 0], 20).astype(np.float32)
    latency = np.linspace(50, 500, 400, dtype=np.float32)
    served = Served({"docs-v1": 400}, 2, 4, latency, down, np.arange(200))
    made = build("docs@2", replace(draw("reference", 300), down=None, grounded=None), served=served)
    assert made.notes == ()
    made.save(tmp_path)
    profile = Profile.load(tmp_path)
    assert profile.digest == made.digest
    for share, status in ((0.1, "ok"), (0.4, "warn")):
        rows = draw("window", 80)
        votes = (np.arange(rows.rows) % 10 < share * 10).astype(np.float32)
        window = WindowData("w-1", replace(rows, down=votes), Requests(latency * 2, 0))
        verdict = judge(window, profile)
        concept = verdict.families["concept"]
        assert concept.status == status
        assert "thumbs down, earlier releases" in {one.name for one in concept.findings}
        assert verdict.status("performance") == "ok"
    levels = {one.name: (one.reference, one.window) for one in verdict.levels}
    assert levels["thumbs down"] == (0.1, 0.4)
    assert levels["failed requests"] == (4 / 404, 0.0)
    before, now = levels["latency, 95% of answers"]
    assert before is not None
    assert now is not None
    assert abs(now - 2 * before) < 0.01
