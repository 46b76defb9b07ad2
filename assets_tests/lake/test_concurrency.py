"""Several threads and processes on one lake."""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from headwater.lake import Lake


def test_processes_change_one_branch(lake: Lake, process, finish, read) -> None:
    for running in [process("changes", name, 10) for name in "abcd"]:
        finish(running)
    assert read("main") == {f"{n}/{k}": f"{n} {k}".encode() for n in "abcd" for k in range(10)}
    assert len(list(lake.log("main"))) == 41
    assert all(len(commit.parents) <= 1 for commit in lake.log("main"))


def test_processes_merge_into_one_branch(lake: Lake, process, finish, read) -> None:
    for running in [process("merges", name, 8) for name in "abcd"]:
        finish(running)
    assert len(read("main")) == 4 * 8 * 2
    assert sum(len(commit.parents) == 2 for commit in lake.log("main")) == 32
    assert list(lake.refs("branch")) == ["main"]


def test_threads_share_a_lake(lake: Lake, read) -> None:
    def work(number: int) -> None:
        branch = f"run-{number}"
        lake.create_branch(branch)
        with lake.change(branch, "x") as change:
            change.put(f"{number}/a", b"%d" % number)
        lake.merge(branch, "main", "merge")
        lake.fetch("main", f"{number}/")
        lake.tag(f"v{number}", "main")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(40)))
    assert read("main") == {f"{number}/a": b"%d" % number for number in range(40)}
    assert len(lake.refs("tag")) == 40


def test_a_reader_sees_old_or_new_and_nothing_between(lake: Lake, write) -> None:
    write("main", {"x/a": b"0", "y/b": b"0"})
    stop = threading.Event()
    seen: list[tuple[bytes, bytes]] = []

    def read() -> None:
        while not stop.is_set():
            head = lake.resolve("main")
            a, b = (lake.fetch(head, path).read_bytes() for path in ("x/a", "y/b"))
            seen.append((a, b))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(1, 30):
        lake.create_branch(f"run-{number}")
        write(f"run-{number}", {"x/a": b"%d" % number, "y/b": b"%d" % number})
        lake.merge(f"run-{number}", "main", "merge")
    stop.set()
    reader.join()
    assert all(a == b for a, b in seen)
    assert len(set(seen)) > 1


def test_a_process_killed_inside_a_change(lake: Lake, process, write, read) -> None:
    head = lake.resolve("main")
    running = process("die_in_change", "a")
    running.communicate(timeout=60)
    assert running.returncode == -9
    assert lake.resolve("main") == head
    assert read("main") == {}
    write("main", {"a": b"1"})
    assert read("main") == {"a": b"1"}
    assert list(lake.verify(deep=True)) == []


def test_a_change_of_another_process_is_merged_at_its_end(lake: Lake, write, read, location) -> None:
    worker = str(Path(__file__).with_name("worker.py"))
    with subprocess.Popen(
        [sys.executable, worker, location, "hold_change", "slow"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "put\n"
        write("main", {"fast": b"1"})
        assert read("main") == {"fast": b"1"}
        running.communicate("\n", timeout=60)
    assert running.returncode == 0
    assert read("main") == {"fast": b"1", "slow": b"slow"}


def test_a_lake_can_be_pickled(lake: Lake, write) -> None:
    write("main", {"a": b"1"})
    assert pickle.loads(pickle.dumps(lake)).resolve("main") == lake.resolve("main")
