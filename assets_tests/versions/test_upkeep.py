"""Sweep: dry by default, and only what nobody touched."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest

from headwater.lake import open_lake
from headwater.settings import Settings
from headwater.versions.upkeep import clear, parse_age

DAY = 86_400


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    lake = open_lake(tmp_path / "lake")
    lake.create_branch("run-1-p-a")
    lake.create_branch("ci-0123456789ab")
    lake.create_branch("dev")
    for name, age in {
        "cache/old.json": 9,
        "cache/new.json": 0,
        "scratch/p-a-1/work/x": 9,
        "scratch/p-b-2/y": 0,
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("some bytes")
        then = time.time() - age * DAY
        os.utime(path, (then, then))
    return Settings(tmp_path, str(tmp_path / "lake"))


def test_a_dry_run_names_what_a_real_one_removes(settings: Settings) -> None:
    week = timedelta(days=7)
    dry = clear(settings, older_than=week, apply=False)
    assert dry.files == ("cache/old.json", "scratch/p-a-1")
    assert dry.lake.branches == ()
    assert (settings.home / "cache/old.json").exists()
    done = clear(settings, older_than=week, apply=True)
    assert (done.files, done.bytes) == (dry.files, 20)
    assert not (settings.home / "scratch/p-a-1").exists()
    assert (settings.home / "cache/new.json").exists()


def test_branches_of_runs_and_checks_go_and_those_of_people_stay(settings: Settings) -> None:
    # A branch's age counts from whole seconds of its commit.
    time.sleep(1.1)
    done = clear(settings, older_than=timedelta(0), apply=True)
    assert done.lake.branches == ("ci-0123456789ab", "run-1-p-a")
    assert settings.open_lake().refs("branch").keys() == {"main", "dev"}


def test_ages() -> None:
    assert parse_age("7d") == timedelta(days=7)
    assert parse_age("90m") == timedelta(minutes=90)
    for wrong in ("7", "d", "-1d", "1.5h", "7 d"):
        with pytest.raises(ValueError, match="such as 7d"):
            parse_age(wrong)
