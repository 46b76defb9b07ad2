"""Builds that are killed, and builds at the same time: nothing half-written, nothing lost."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny_product

from headwater.lake import open_lake
from headwater.lake.records import data_version, read_record

KILLS = int(os.environ.get("HEADWATER_KILL_ROUNDS", "2"))
BUILD_SECONDS = 25


def start(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, tiny_product.__file__, str(folder)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        env={**os.environ, "HEADWATER_HOME": str(folder / "home")},
    )  # fmt: skip


def require_whole(folder: Path) -> int:
    """Every asset on `main` is what its record says; returns how many stand there."""
    lake = open_lake(folder / "home" / "lake")
    assert list(lake.verify(deep=True)) == []
    count = 0
    for item in lake.list("main", f"_meta/{tiny_product.PRODUCT}/"):
        name = item.path.rpartition("/")[2].removesuffix(".json")
        record = read_record(lake, "main", tiny_product.PRODUCT, name)
        assert record is not None
        assert record.data_version == data_version(lake, "main", f"{tiny_product.PRODUCT}/{name}/")
        count += 1
    return count


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_build_that_is_killed_again_and_again_ends_where_an_undisturbed_one_does(
    built, new_folder: Callable[[], Path]
) -> None:
    folder = new_folder()
    moments = random.Random(20261122)
    standing = 0
    for _ in range(KILLS):
        process = start(folder)
        time.sleep(moments.uniform(4, BUILD_SECONDS))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        now = require_whole(folder)
        assert now >= standing, "what was published stays"
        standing = now
    process = start(folder)
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0, output
    assert require_whole(folder) == len(built.versions())
    lake = open_lake(folder / "home" / "lake")
    versions = {name: data_version(lake, "main", f"tiny/{name}/") for name in built.versions()}
    assert versions == built.versions()
    assert lake.refs("tag").keys() == {"tiny-v1"}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_builds_at_once_both_end_well(built, new_folder: Callable[[], Path]) -> None:
    folder = new_folder()
    both = [start(folder), start(folder)]
    outputs = [process.communicate(timeout=600)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], "\n".join(outputs)
    assert require_whole(folder) == len(built.versions())
    lake = open_lake(folder / "home" / "lake")
    assert {
        name: data_version(lake, "main", f"tiny/{name}/") for name in built.versions()
    } == built.versions()
    assert lake.refs("tag").keys() == {"tiny-v1"}
