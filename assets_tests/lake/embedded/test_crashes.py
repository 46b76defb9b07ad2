"""kill -9 at any moment: what was committed stays, what was not is nowhere, and the lake goes on.

`HEADWATER_CRASH_ROUNDS=300` makes it long.
"""

from __future__ import annotations

import os
import random
import select
import subprocess
import time
from datetime import timedelta
from pathlib import Path

import pytest

from headwater.lake import Lake

ROUNDS = int(os.environ.get("HEADWATER_CRASH_ROUNDS", "20"))


@pytest.mark.slow
@pytest.mark.timeout(60 + 6 * ROUNDS)
def test_kills_at_random_moments(lake: Lake, root: Path, process, write, read, fsck) -> None:
    chance = random.Random(2026)
    acknowledged: list[str] = []
    for number in range(ROUNDS):
        running = process("storm", number)
        acknowledged += killed_after(running, chance.uniform(0.0, 0.4))
        problems = [found for found in lake.verify(deep=True) if found.kind != "leftover"]
        assert problems == [], number
        history = {commit.id for commit in lake.log("main")}
        assert set(acknowledged) <= history, number
        for commit in lake.log("main", limit=3):
            assert read(commit.id) is not None
        write("main", {"round": b"%d" % number})
        (root.with_name("spare")).mkdir(exist_ok=True)
    assert len(acknowledged) > ROUNDS // 2
    lake.sweep(older_than=timedelta(0), dry_run=False)
    assert list(lake.verify(deep=True)) == []
    assert fsck() == ""


def killed_after(running: subprocess.Popen[str], seconds: float) -> list[str]:
    """Let the process begin, kill it `seconds` later, and return the commits it reported in whole lines."""
    assert running.stdout is not None
    ready, _, _ = select.select([running.stdout], [], [], 60)
    assert ready, running.communicate()
    time.sleep(seconds)
    running.kill()
    output, errors = running.communicate(timeout=60)
    assert errors == ""
    return [line for line in output.split("\n")[:-1] if line]
