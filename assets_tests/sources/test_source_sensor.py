"""The sensor on a product's sources, by ticks on a real lake: each change is asked for once."""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import tiny_product

from headwater.building import build
from headwater.components.corpus import CorpusAttributes
from headwater.components.resource import Headwater


class Watched:
    """A corpus whose sensor ticks when it is told to, and whose requests are carried out."""

    def __init__(self, folder: Path, **corpus: Any) -> None:
        tiny_product.write_sources(folder / "sources", services=("archive", "bucket"))
        self.folder = folder
        self.docs = folder / "sources" / "docs"
        self.instance = dg.DagsterInstance.ephemeral()
        self.headwater = Headwater(home=str(folder / "home"), lake=str(folder / "home" / "lake"))
        product = tiny_product.components(folder / "sources", corpus={"settle_seconds": 0, **corpus})[0]
        self.definitions = dg.Definitions.merge(
            product.definitions(),
            dg.Definitions(resources={"headwater": self.headwater}, executor=dg.in_process_executor),
        )
        self.cursor: str | None = None
        self.keys: list[str] = []
        self.automation: Any = None

    def tick(self, *, keep_cursor: bool = True) -> dg.RunRequest | str:
        """The request, or why there is none."""
        sensor = self.definitions.resolve_sensor_def("tiny_sources")
        context = dg.build_sensor_context(
            instance=self.instance,
            cursor=self.cursor,
            definitions=self.definitions,
            resources={"headwater": self.headwater},
        )
        result = sensor(context)
        if isinstance(result, dg.SkipReason):
            return result.skip_message or ""
        assert isinstance(result, dg.SensorResult)
        if keep_cursor:
            self.cursor = result.cursor
        if result.skip_reason is not None:
            return result.skip_reason.skip_message or ""
        (request,) = result.run_requests or []
        return request

    def requested(self) -> dict[str, int]:
        """Tick and build; the numbers of files that the request names."""
        request = self.tick()
        assert isinstance(request, dg.RunRequest), request
        assert request.run_key not in self.keys
        assert request.asset_selection == [dg.AssetKey(["tiny", "raw"])]
        self.keys.append(str(request.run_key))
        self.build("raw")
        prefix = "headwater/files_"
        return {
            name.removeprefix(prefix): int(n)
            for name, n in request.tags.items()
            if n != "0" and prefix in name
        }

    def build(self, *select: str) -> None:
        result = build(
            "tiny",
            definitions=self.definitions,
            home=str(self.folder / "home"),
            select=list(select),
            instance=self.instance,
        )
        assert result.succeeded

    def follows(self) -> set[str]:
        """What the automation makes of it."""
        result = dg.evaluate_automation_conditions(
            self.definitions,
            instance=self.instance,
            asset_selection=dg.AssetSelection.all(),
            cursor=self.automation,
        )
        self.automation = result.cursor
        keys = self.definitions.resolve_all_asset_keys()
        return {key.path[-1] for key in keys if result.get_num_requested(key)}


def settle() -> None:
    """Wait until file systems' clocks have moved on, so that a build remembers the files' tokens."""
    time.sleep(0.15)


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    watched = Watched(tmp_path)
    settle()
    watched.build("raw")
    assert "raw holds" in str(watched.tick())
    return watched


def write(watched: Watched, name: str, text: str = "Another text") -> None:
    tiny_product.write_document(watched.docs, name, "list", text)
    settle()


def test_new_changed_and_vanished_files_are_asked_for_once_each(watched: Watched) -> None:
    write(watched, "cluster")
    assert watched.requested() == {"new": 1}
    assert watched.follows() == {"bronze", "silver", "chunks"}
    write(watched, "cluster", "A third text")
    assert watched.requested() == {"changed": 1}
    (watched.docs / "cluster-list.jsonl").unlink()
    assert watched.requested() == {"vanished": 1}
    assert "as at the last look" in str(watched.tick())


def test_a_repeated_tick_has_the_same_key_and_after_the_run_nothing_is_asked(watched: Watched) -> None:
    write(watched, "cluster")
    requests = [watched.tick(keep_cursor=False) for _ in range(2)]
    assert [request.run_key for request in requests] == [requests[0].run_key] * 2  # pyright: ignore
    watched.build("raw")
    assert "raw holds" in str(watched.tick())


def test_sources_that_return_to_an_earlier_state_are_asked_for_again(watched: Watched) -> None:
    file, kept = watched.docs / "bucket-list.jsonl", watched.folder / "kept.jsonl"
    for _ in range(2):
        file.rename(kept)
        settle()
        assert watched.requested() == {"vanished": 1}
        kept.rename(file)
        settle()
        assert watched.requested() == {"new": 1}
    assert len(set(watched.keys)) == 4


def test_a_touched_file_is_looked_at_once_and_changes_nothing(watched: Watched) -> None:
    watched.build("bronze", "silver", "chunks")
    os.utime(watched.docs / "bucket-list.jsonl")
    settle()
    assert watched.requested() == {"changed": 1}
    assert watched.follows() == set()
    assert "last look" in str(watched.tick())


@pytest.fixture(params=["gone", "empty", "unreadable", "unreadable below", "most is gone"])
def failing(
    request: pytest.FixtureRequest, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, Callable[[], None]]:
    """Something that looks like a mass deletion and is none; what it says, and what mends it."""
    docs, aside = watched.docs, watched.folder / "aside"
    if request.param == "gone":
        docs.rename(aside)
        return "is not a folder", lambda: (aside.rename(docs), None)[1]
    if request.param in {"empty", "most is gone"}:
        shutil.copytree(docs, aside)
        for path in sorted(docs.iterdir())[0 if request.param == "empty" else 1 :]:
            path.unlink()

        def restore() -> None:
            shutil.rmtree(docs)
            aside.rename(docs)

        return ("offers no file at all" if request.param == "empty" else "fewer"), restore
    locked, listed = docs, os.scandir
    if request.param == "unreadable below":
        locked = docs / "more"
        locked.mkdir()
        tiny_product.write_document(locked, "fleet", "list", "Another text")
        settle()
        assert watched.requested() == {"new": 1}

    def scandir(folder: Path) -> Any:
        if Path(folder) == locked:
            raise PermissionError(errno.EACCES, "Permission denied")
        return listed(folder)

    # Not by chmod: root, whom containers are run by, may read everything.
    monkeypatch.setattr(os, "scandir", scandir)
    return "cannot", lambda: monkeypatch.setattr(os, "scandir", listed)


def test_a_listing_that_fails_asks_for_nothing_and_says_why(
    watched: Watched, failing: tuple[str, Callable[[], None]]
) -> None:
    reason, mend = failing
    before = watched.cursor
    told = watched.tick()
    assert isinstance(told, str)
    assert told.startswith("nothing is asked for: source 'docs'")
    assert reason in told
    assert watched.cursor == before
    mend()
    settle()
    again = watched.tick()
    if isinstance(again, dg.RunRequest):
        assert again.tags["headwater/files_vanished"] == "0"


def test_a_file_that_is_being_written_waits_but_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(tmp_path, settle_seconds=60)
    told = watched.tick()
    assert isinstance(told, str)
    assert "changed in the last 60 s (docs/archive-create.jsonl, " in told
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() + 61 * 10**9)
    assert isinstance(watched.tick(keep_cursor=False), dg.RunRequest), "nothing was written for a minute"
    monkeypatch.setattr(time, "time_ns", lambda: now() + 601 * 10**9)
    for path in watched.docs.iterdir():
        os.utime(path, ns=(time.time_ns(), time.time_ns()))
    assert isinstance(watched.tick(), dg.RunRequest), "it is written without pause"


def test_the_sensor_is_off_and_a_schedule_is_there_where_it_is_configured(tmp_path: Path) -> None:
    watched = Watched(tmp_path, schedule="0 3 * * *")
    assert (
        watched.definitions.resolve_sensor_def("tiny_sources").default_status
        is dg.DefaultSensorStatus.STOPPED
    )
    schedule = watched.definitions.resolve_schedule_def("refresh_tiny_schedule")
    assert (schedule.cron_schedule, schedule.default_status) == (
        "0 3 * * *",
        dg.DefaultScheduleStatus.STOPPED,
    )


@pytest.mark.parametrize("value", ["daily at 3", "61 3 * * *", "0 3 * *"])
def test_a_schedule_that_is_no_cron_expression_stops_at_load(value: str) -> None:
    source = {"name": "docs", "kind": "folder", "path": "docs"}
    with pytest.raises(ValueError, match=r"schedule\n.*five fields such as '0 3 \* \* \*'"):
        CorpusAttributes.model_validate({"sources": [source], "schedule": value})
