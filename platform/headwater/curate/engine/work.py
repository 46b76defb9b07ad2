"""Tasks shared by this process and others."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

from headwater.curate.engine.job import PREVIOUS, Job
from headwater.curate.engine.output import write_output
from headwater.curate.engine.previous import Previous
from headwater.curate.engine.unit import judge_unit
from headwater.curate.engine.units import Units

Task = Mapping[str, int]
"""`{"observe": part, "stage": number}` and `{"remove": part, "stage": number}` remove repeated text,
`{"unit": number}` judges a unit, `{"part": number, "begin": …, "end": …}` writes a part of silver."""
_THREADS = ("OMP", "OPENBLAS", "MKL", "NUMBA", "RAYON")
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in _THREADS} | {"POLARS_MAX_THREADS": "1"}
SHOWN_TRACE = 3000


class WorkerFailed(RuntimeError):
    """A worker process ended before its work was done."""


class Worker:
    """Does tasks of one job; keeps open what neighbouring tasks share."""

    def __init__(self, job: Job) -> None:
        self.job = job
        index = job.folder / PREVIOUS
        self.previous = Previous(job.previous, index) if job.previous is not None else None
        self.units = Units(job, self.previous)

    def perform(self, task: Task) -> None:
        """Do one task."""
        if "stage" in task:
            # Few products remove repeated text; the others need not load its kernels.
            from headwater.curate.engine.repeated import observe_part, remove_from_part

            if "observe" in task:
                observe_part(self.job, task["stage"], task["observe"])
            else:
                remove_from_part(self.job, task["stage"], task["remove"])
        elif "unit" in task:
            judge_unit(self.job, self.previous, task["unit"])
        else:
            write_output(self.job, self.units, self.previous, task["part"], task["begin"], task["end"])


class Crew:
    """This process and `helpers` further ones, which share the tasks.

    The helpers are plain processes, fed with one task after the other over their standard input. Not a
    pool: a pool's children import the parent's main module, which is Dagster, and outlive a killed parent.
    """

    def __init__(self, worker: Worker, helpers: int) -> None:
        self._worker = worker
        self._helpers = helpers
        self._started: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        path = os.pathsep.join(entry for entry in sys.path if entry)
        command = [sys.executable, "-m", "headwater.curate.engine.worker", str(self._worker.job.folder)]
        environment = {**os.environ, **ONE_THREAD, "PYTHONPATH": path}
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
