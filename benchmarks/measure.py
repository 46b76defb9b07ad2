"""What a command costs: CPU seconds and peak memory of its whole process tree."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Cost:
    """Of one run: wall and CPU seconds (user and system, of all processes), peak memory in MB, and output.

    Memory is the sum of the resident sizes of the processes of the tree at one moment; pages that they share
    count for each.
    """

    wall: float
    cpu: float
    peak: float
    output: str


def cost(command: Sequence[str], *, env: Mapping[str, str] | None = None, folder: Path | None = None) -> Cost:
    """Run a command to its end. Raises `RuntimeError` with the end of its output when it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as log:
        process = subprocess.Popen(
            list(command), stdout=log, stderr=subprocess.STDOUT, env={**os.environ, **(env or {})}, cwd=folder
        )
        peaks: list[float] = [0.0]
        watcher = threading.Thread(target=_watch, args=(process, peaks), daemon=True)
        watcher.start()
        code = process.wait()
        wall = time.perf_counter() - begin
        watcher.join()
        log.seek(0)
        output = log.read()
    if code != 0:
        raise RuntimeError(f"{command[0]} ended with {code}:\n{output[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return Cost(wall, cpu, peaks[0], output)


def median(values: Sequence[float]) -> float:
    """The median of the figures of several runs."""
    return statistics.median(values)


def _watch(process: subprocess.Popen[bytes] | subprocess.Popen[str], peaks: list[float]) -> None:
    try:
        root = psutil.Process(process.pid)
    except psutil.NoSuchProcess:
        return
    while process.poll() is None:
        total = 0
        try:
            for member in (root, *root.children(recursive=True)):
                total += member.memory_info().rss
        except psutil.Error:
            continue
        finally:
            peaks[0] = max(peaks[0], total / 1e6)
        time.sleep(POLL_SECONDS)
