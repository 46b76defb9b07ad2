"""Tasks shared by this process and others."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Self

from headwater.curate.engine.documents import Documents
from headwater.curate.engine.groups import open_groups
from headwater.curate.engine.job import Job
from headwater.curate.engine.judging import judge_group
from headwater.curate.engine.known import Known
from headwater.curate.engine.output import write_output
from headwater.curate.engine.previous import Previous

Task = Mapping[str, int]
"""`{"first": unit, "stop": unit}` judges a group; `{"part": number, "begin": …, "end": …}` writes a part."""
_THREADS = ("OMP", "OPENBLAS", "MKL", "NUMBA", "RAYON")
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in _THREADS} | {"POLARS_MAX_THREADS": "1"}
_NO_PLUGINS = {"PYDANTIC_DISABLE_PLUGINS": "__all__"}
"""A worker is told what was validated before: it need not look through all installed packages for plugins."""
SHOWN_TRACE = 3000


class WorkerFailed(RuntimeError):
    """A worker process ended before its work was done."""


class Worker:
    """Does tasks of one job; keeps open what neighbouring tasks share."""

    def __init__(
        self, job: Job, known: Known, previous: Previous | None, documents: Documents | None = None
    ) -> None:
        self.job, self.known, self.previous = job, known, previous
        self.documents = documents

    @classmethod
    def open(cls, folder: Path) -> Self:
        """A worker for the job that was saved in a folder, in a process of its own."""
        job = Job.open(folder)
        previous = Previous.open(job.previous, folder) if job.previous is not None else None
        return cls(job, Known.open(folder), previous)

    def perform(self, task: Task) -> None:
        """Do one task."""
        if "first" in task:
            judge_group(self.job, self.known, task["first"], task["stop"])
            return
        if self.documents is None:
            groups = open_groups(self.job.folder)
            outcome = Documents.outcomes(self.job.folder)
            self.documents = Documents(self.job, self.known, self.previous, groups, outcome)
        part, begin, end = (task[name] for name in ("part", "begin", "end"))
        write_output(self.job, self.known, self.documents, self.previous, part, begin, end)


class Crew:
    """This process and `helpers` further ones, which share the tasks.

    The helpers are plain processes, fed with one task after the other over their standard input. Not a
    pool: a pool's children import the parent's main module, which is Dagster, and outlive a killed parent.
    """

    def __init__(self, worker: Worker, helpers: int) -> None:
        self._worker = worker
        self._helpers = helpers
        self._started: list[subprocess.Popen[str]] = []
        self.beside: Executor | None = ThreadPoolExecutor(1) if helpers else None
        """For `PartWriter`: a thread of this process, where more than one core may be used."""

    def __enter__(self) -> Self:
        path = os.pathsep.join(entry for entry in sys.path if entry)
        command = [sys.executable, "-m", "headwater.curate.engine.worker", str(self._worker.job.folder)]
        environment = {**os.environ, **ONE_THREAD, **_NO_PLUGINS, "PYTHONPATH": path}
        for number in range(self._helpers):
            with self._log(number).open("wb") as log:
                self._started.append(
                    subprocess.Popen(
                        command,
                        stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE,
                        stderr=log,
                        text=True,
                        env=environment,
                    )
                )
        return self

    def _log(self, number: int) -> Path:
        return self._worker.job.folder / f"worker-{number}.log"

    def __exit__(self, *_: object) -> None:
        if self.beside is not None:
            self.beside.shutdown()
        for process in self._started:
            process.kill()
        for process in self._started:
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()

    def perform(self, tasks: Sequence[Task]) -> Iterator[None]:
        """Start on the tasks at the call; yields after each finished one, in no order.

        Raises `WorkerFailed` when a process ends early or fails; what is finished stays.
        """
        waiting: queue.SimpleQueue[Task] = queue.SimpleQueue()
        for task in tasks:
            waiting.put(task)
        finished: queue.SimpleQueue[WorkerFailed | None] = queue.SimpleQueue()
        for number, process in enumerate(self._started):
            arguments = (process, self._log(number), waiting, finished)
            threading.Thread(target=_feed, args=arguments, daemon=True).start()
        return self._shared(len(tasks), waiting, finished)

    def _shared(
        self,
        count: int,
        waiting: queue.SimpleQueue[Task],
        finished: queue.SimpleQueue[WorkerFailed | None],
    ) -> Iterator[None]:
        for _ in range(count):
            task = _next(waiting) if finished.empty() else None
            if task is not None:
                self._worker.perform(task)
            elif (failure := finished.get()) is not None:
                raise failure
            yield


def _next(waiting: queue.SimpleQueue[Task]) -> Task | None:
    try:
        return waiting.get_nowait()
    except queue.Empty:
        return None


def _feed(
    process: subprocess.Popen[str],
    log: Path,
    waiting: queue.SimpleQueue[Task],
    finished: queue.SimpleQueue[WorkerFailed | None],
) -> None:
    while (task := _next(waiting)) is not None:
        if not _done(process, task):
            code = process.wait()
            trace = log.read_text(encoding="utf-8", errors="replace")[-SHOWN_TRACE:]
            failure = f"a worker process ended with exit code {code} at {dict(task)}:\n{trace}"
            finished.put(WorkerFailed(failure))
            return
        finished.put(None)


def _done(process: subprocess.Popen[str], task: Task) -> bool:
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(task) + "\n")
        process.stdin.flush()
    except BrokenPipeError:
        return False
    return bool(process.stdout.readline())
