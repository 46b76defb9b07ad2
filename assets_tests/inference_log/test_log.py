"""What a service tells the log is on disk a second later, fit to be kept, whatever ends the service."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import local_servers
import pytest
from logged import feedback, request

from headwater.curate.pii import Redact
from headwater.inference_log.lines import BrokenLine
from headwater.inference_log.log import InferenceLog
from headwater.inference_log.places import Places
from headwater.inference_log.records import Entry, Feedback, Request
from headwater.inference_log.recovery import recover
from headwater.inference_log.segments import in_order, segments
from headwater.inference_log.writer import SegmentLimits

PRODUCT = "tiny"
MAIL = "grace.hopper@navy.mil"
ENVIRONMENT = {"HEADWATER_LOG_KEY": "a key that only tests know"}
WRITE_WITHOUT_END = """
import sys
from pathlib import Path
from logged import request
from headwater.inference_log.log import InferenceLog
log = InferenceLog(Path(sys.argv[1]), "tiny", environment={})
for number in range(1_000_000):
    log.request(request(number, question="x" * 2000))
    print(number, flush=True)
"""


def make_log(home: Path, **options: Any) -> InferenceLog:
    return InferenceLog(home, PRODUCT, **{"environment": ENVIRONMENT, **options})


def entries(home: Path) -> list[Entry | BrokenLine]:
    return [line.entry for line in in_order(Places.of(home, PRODUCT).closed, {})]


def records(home: Path) -> list[Request | Feedback]:
    return [one.record for one in entries(home) if isinstance(one, Entry) and one.record is not None]


def open_files(home: Path) -> list[str]:
    folder = Places.of(home, PRODUCT).open
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def until(condition: Callable[[], Any]) -> None:
    local_servers.until(condition, 20, lambda: "it did not come about")


def test_records_are_closed_in_their_order_at_the_end(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    for number in range(20):
        log.request(request(number))
    log.feedback(feedback(1, 3, minutes=1, vote=-1))
    log.close()
    log.close()
    log.request(request(21))
    kept = records(tmp_path)
    assert [one.response_id[-2:] for one in kept] == [f"{n:02x}" for n in [*range(20), 3]]
    assert open_files(tmp_path) == []
    assert log.dropped_total == 1


def test_nothing_personal_touches_the_disk(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    log = make_log(tmp_path, limits=SegmentLimits(sync_seconds=0.05))
    log.request(
        request(1, question=f"Am I {MAIL}?\ud800", answer=f"You are {MAIL}", user=MAIL, session="s-77")
    )
    log.feedback(feedback(1, 1, minutes=1, correction=f"No, {MAIL}!", user=MAIL))
    until(lambda: any(path.stat().st_size for path in Places.of(tmp_path, PRODUCT).open.glob("*.jsonl")))
    log.close()
    everything = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for secret in (MAIL, "hopper", "s-77", ENVIRONMENT["HEADWATER_LOG_KEY"]):
        assert secret.encode() not in everything
        assert secret not in caplog.text
    asked, judged = records(tmp_path)
    assert isinstance(asked, Request)
    assert isinstance(judged, Feedback)
    assert (asked.question, asked.answer) == ("Am I <EMAIL>?\ufffd", "You are <EMAIL>")
    assert judged.correction == "No, <EMAIL>!"
    assert asked.user == judged.user != asked.session


def test_pseudonyms_are_stable_under_a_key_and_differ_between_keys(tmp_path: Path) -> None:
    def user(home: Path, environment: dict[str, str]) -> str:
        log = make_log(home, environment=environment)
        log.request(request(0, user="ada"))
        log.close()
        return records(home)[-1].user

    first = user(tmp_path / "a", ENVIRONMENT)
    assert first == user(tmp_path / "b", ENVIRONMENT)
    assert first != user(tmp_path / "c", {"HEADWATER_LOG_KEY": "another key of the tests"})
    own = user(tmp_path / "d", {})
    assert own == user(tmp_path / "d", {})
    assert own not in (first, user(tmp_path / "e", {}))
    places = Places.of(tmp_path / "d", PRODUCT)
    assert stat.S_IMODE(places.key.stat().st_mode) == 0o600
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in (places.root, places.open, places.closed)} == {
        0o700
    }
    assert {stat.S_IMODE((places.closed / name).stat().st_mode) for name in segments(places.closed)} == {
        0o600
    }


def test_a_short_key_is_refused_and_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="HEADWATER_LOG_KEY") as refused:
        make_log(tmp_path, environment={"HEADWATER_LOG_KEY": "hunter2"})
    assert "hunter2" not in str(refused.value)


def test_the_products_own_rules_redact(tmp_path: Path) -> None:
    log = make_log(tmp_path, redact=Redact(kinds=("email",), allow=("navy.mil",)))
    log.request(request(0, question=f"{MAIL} or ada@lovelace.io?"))
    log.close()
    first = records(tmp_path)[0]
    assert isinstance(first, Request)
    assert first.question == f"{MAIL} or <EMAIL>?"


def test_segments_close_by_size_and_by_age(tmp_path: Path) -> None:
    log = make_log(tmp_path, limits=SegmentLimits(segment_bytes=2000))
    for number in range(12):
        log.request(request(number))
    log.close()
    closed = Places.of(tmp_path, PRODUCT).closed
    before = len(segments(closed))
    assert before >= 3
    assert all((closed / name).stat().st_size < 3000 for name in segments(closed))
    assert len(records(tmp_path)) == 12
    log = make_log(tmp_path, limits=SegmentLimits(segment_seconds=0.05, sync_seconds=0.05))
    log.request(request(50))
    until(lambda: len(segments(closed)) == before + 1)
    log.close()


def test_a_killed_process_loses_what_it_had_not_written_and_that_is_counted(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        [sys.executable, "-c", WRITE_WITHOUT_END, str(tmp_path)], stdout=subprocess.PIPE, env=environment
    )
    assert process.stdout is not None
    times: list[float] = []
    for _ in process.stdout:
        times.append(time.monotonic())
        if len(times) == 600:
            break
    process.send_signal(signal.SIGKILL)
    killed = time.monotonic()
    times += [killed for _ in process.stdout]
    process.wait()
    assert recover(Places.of(tmp_path, PRODUCT)) == 1
    assert open_files(tmp_path) == []
    read = entries(tmp_path)
    kept = len(records(tmp_path))
    lost = sum(one.lost for one in read if isinstance(one, Entry))
    torn = sum(isinstance(one, BrokenLine) for one in read)
    # It may have been killed between being given a record and saying so.
    assert kept + lost + torn in (len(times), len(times) + 1)
    assert kept >= sum(moment < killed - 1.0 for moment in times)


def test_a_torn_line_is_recognized_and_counted(tmp_path: Path) -> None:
    log = make_log(tmp_path, limits=SegmentLimits(sync_seconds=0.05))
    for number in range(3):
        log.request(request(number))
    folder = Places.of(tmp_path, PRODUCT).open
    until(lambda: sum(path.read_bytes().count(b"\n") for path in folder.glob("*.jsonl")) == 3)
    # As a killed process leaves it: the segment and the claim stay, the lock does not.
    other = tmp_path / "other"
    copied = Places.of(other, PRODUCT)
    copied.make()
    for path in folder.iterdir():
        data = path.read_bytes()
        (copied.open / path.name).write_bytes(data[:-20] if path.suffix == ".jsonl" else data)
    log.close()
    assert recover(copied) == 1
    read = entries(other)
    assert [isinstance(one, BrokenLine) for one in read] == [False, False, True]
    assert len(records(tmp_path)) == 3


def test_services_on_one_folder_leave_each_other_alone(tmp_path: Path) -> None:
    first = make_log(tmp_path, limits=SegmentLimits(sync_seconds=0.05))
    first.request(request(0))
    until(lambda: len(open_files(tmp_path)) == 2)
    second = make_log(tmp_path, limits=SegmentLimits(sync_seconds=0.05))
    second.request(request(1))
    until(lambda: len(open_files(tmp_path)) == 4)
    assert recover(Places.of(tmp_path, PRODUCT)) == 0
    second.close()
    first.request(request(2))
    first.close()
    assert len(records(tmp_path)) == 3
    assert [one.lost for one in entries(tmp_path) if isinstance(one, Entry)] == [0, 0, 0]


def test_more_than_the_queue_holds_is_dropped_at_once_and_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    find = Redact.redact
    monkeypatch.setattr(
        Redact, "redact", lambda self, text: find(self, text) if not text or gate.wait(20) else ""
    )
    log = make_log(tmp_path, waiting=4)
    begin = time.monotonic()
    for number in range(50):
        log.request(request(number))
    assert time.monotonic() - begin < 1
    assert log.dropped_total >= 45
    gate.set()
    log.close()
    lost = sum(one.lost for one in entries(tmp_path) if isinstance(one, Entry))
    assert lost == log.dropped_total
    assert len(records(tmp_path)) == 50 - lost


def test_what_json_cannot_hold_is_dropped_and_the_rest_is_kept(tmp_path: Path) -> None:
    log = make_log(tmp_path)
    for value in (1.0, float("nan"), {1, 2}, 2.0):
        log.request(request(0, latency_ms=value))
    log.close()
    assert log.dropped_total == 2
    assert [one.lost for one in entries(tmp_path) if isinstance(one, Entry)] == [0, 2, 0]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder], capture_output=True)
    if mount.returncode:
        pytest.skip(f"cannot mount a small file system: {mount.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.parametrize("full_from_the_start", [False, True])
def test_a_full_disk_costs_records_and_not_the_service(small_disk: Path, full_from_the_start: bool) -> None:
    ballast = small_disk / "ballast"
    if full_from_the_start:
        room = os.statvfs(small_disk)
        ballast.write_bytes(bytes(room.f_bavail * room.f_bsize))
    log = make_log(small_disk, limits=SegmentLimits(sync_seconds=0.05))
    for number in range(200):
        log.request(request(number, question="long " * 500))
    until(lambda: log.dropped_total > 50)
    until(lambda: log._queue.empty())
    dropped = log.dropped_total
    if full_from_the_start:
        ballast.unlink()
    else:
        closed = Places.of(small_disk, PRODUCT).closed
        assert segments(closed)
        for name in segments(closed):
            shutil.move(closed / name, small_disk.parent)
    time.sleep(1.1 if full_from_the_start else 0)
    log.request(request(201))
    log.close()
    assert log.dropped_total == dropped
    assert open_files(small_disk) == []
    read = entries(small_disk)
    assert not any(isinstance(one, BrokenLine) for one in read)
    assert sum(one.lost for one in read if isinstance(one, Entry)) == dropped
    assert records(small_disk)[-1].response_id.endswith(f"{201:x}")
