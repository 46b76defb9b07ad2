"""Embed in several one-thread processes, each fed with one task after the other."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headwater.index.batches import plan
from headwater.index.embedder import TASK_TOKENS, EmbeddingModel

ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}


class WorkerFailed(RuntimeError):
    """A worker process ended before its work was done."""


@dataclass(frozen=True)
class Done:
    """One task that stands in the cache: texts embedded and the CPU seconds they took."""

    rows: int
    cpu_seconds: float


def embed_in_processes(
    model: EmbeddingModel,
    ids: Mapping[str, Sequence[int]],
    cache: Path,
    workers: int,
) -> Iterator[Done]:
    """Embed token ids by digest into the cache folder; yields after each finished task.

    Plain subprocesses instead of a pool: a pool's children import the parent's main module, which is
    Dagster, and outlive a killed parent. Raises `WorkerFailed` when one ends early; what was finished
    stays in the cache.
    """
    tasks = _tasks(model, ids)
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    for task in tasks:
        waiting.put(task)
    finished: queue.SimpleQueue[Done | WorkerFailed] = queue.SimpleQueue()
    started = [_start(model, cache) for _ in range(min(workers, len(tasks)))]
    feeders = [
        threading.Thread(target=_feed, args=(process, waiting, finished), daemon=True) for process in started
    ]
    try:
        for feeder in feeders:
            feeder.start()
        for _ in tasks:
            result = finished.get()
            if isinstance(result, WorkerFailed):
                raise result
            yield result
    finally:
        for process in started:
            process.kill()
        for process in started:
            process.wait()
        for feeder in feeders:
            feeder.join()


def _tasks(model: EmbeddingModel, ids: Mapping[str, Sequence[int]]) -> list[str]:
    digests = list(ids)
    lengths = [len(ids[digest]) for digest in digests]
    tasks = plan(lengths, rows=model.batch_rows, step=model.length_step, token_budget=TASK_TOKENS)
    return [
        json.dumps(
            {
                "digests": [digests[position] for position in task.positions],
                "ids": [list(ids[digests[position]]) for position in task.positions],
            }
        )
        for task in tasks
    ]


def _start(model: EmbeddingModel, cache: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "headwater.index.worker", model.model_dump_json(), str(cache)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **ONE_THREAD},
    )


def _feed(
    process: subprocess.Popen[str],
    waiting: queue.SimpleQueue[str],
    finished: queue.SimpleQueue[Done | WorkerFailed],
) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    while True:
        try:
            task = waiting.get_nowait()
        except queue.Empty:
            return
        reply = _ask(process.stdin, process.stdout, task)
        if reply is None:
            code = process.wait()
            finished.put(WorkerFailed(f"an embedding worker ended with exit code {code}: see its log"))
            return
        finished.put(Done(int(reply["rows"]), float(reply["cpu_seconds"])))


def _ask(stdin: Any, stdout: Any, task: str) -> dict[str, Any] | None:
    try:
        stdin.write(task + "\n")
        stdin.flush()
    except BrokenPipeError:
        return None
    line = stdout.readline()
    return json.loads(line) if line else None
