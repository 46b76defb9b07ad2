from __future__ import annotations

import os
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from headwater.train.process import WorkerFailed, run_workers

WORKER = """
import os, sys, time
from headwater.train.process import serve

def run(request, progress):
    print("noise of a library")
    open(request["pid"], "w").write(str(os.getpid()))
    for number in range(request["steps"]):
        progress(request["name"], number + 1, request["steps"])
        time.sleep(request.get("pause", 0))
    if request.get("fails"):
        raise ValueError("the request says so")

if __name__ == "__main__":
    serve(run)
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "a_worker.py").write_text(textwrap.dedent(WORKER))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    return "a_worker"


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_workers_run_together_and_tell_their_progress(module: str, tmp_path: Path):
    told: list[tuple[str, int, int]] = []
    requests = [{"name": name, "steps": 3, "pid": str(tmp_path / name)} for name in ("one", "two")]
    run_workers(module, requests, tmp_path / "scratch", lambda *step: told.append(step))
    assert sorted(told) == [(name, number, 3) for name in ("one", "two") for number in (1, 2, 3)]


def test_a_failed_worker_tells_why(module: str, tmp_path: Path):
    requests = [
        {"name": "good", "steps": 1, "pid": str(tmp_path / "good")},
        {"name": "bad", "steps": 1, "pid": str(tmp_path / "bad"), "fails": True},
    ]
    with pytest.raises(WorkerFailed, match=r"a_worker ended with code 1:[\s\S]*the request says so"):
        run_workers(module, requests, tmp_path / "scratch", lambda what, done, total: None)


def test_a_failure_here_ends_the_workers(module: str, tmp_path: Path):
    def stop(what: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    request = {"name": "long", "steps": 1000, "pause": 0.1, "pid": str(tmp_path / "long")}
    with pytest.raises(KeyboardInterrupt):
        run_workers(module, [request], tmp_path / "scratch", stop)
    assert gone(int((tmp_path / "long").read_text()))


def test_a_worker_ends_when_the_process_that_asked_is_killed(module: str, tmp_path: Path):
    request = {"name": "orphan", "steps": 1000, "pause": 0.1, "pid": str(tmp_path / "orphan")}
    asking = os.fork()
    if asking == 0:
        run_workers(module, [request], tmp_path / "scratch", lambda what, done, total: None)
        os._exit(0)
    deadline = time.monotonic() + 60
    while not (tmp_path / "orphan").is_file() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.3)
    os.kill(asking, 9)
    os.waitpid(asking, 0)
    worker = int((tmp_path / "orphan").read_text())
    while not gone(worker) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert gone(worker)
