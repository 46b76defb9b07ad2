"""Heavy work in processes of its own: memory that is given back, threads that do not spin, progress in lines.

A worker module is run as `python -m <module> --request <file>`; it tells progress as JSON lines on standard
output and ends by itself when the process that started it is gone.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from headwater.fingerprint import digest_text
from headwater.tables import read_json, write_json
from headwater.workspace import Progress

PROCESS_ENVIRONMENT: Mapping[str, str] = {
    "MALLOC_MMAP_THRESHOLD_": "4294967296",
    "MALLOC_TRIM_THRESHOLD_": "4294967296",
    "OMP_WAIT_POLICY": "PASSIVE",
    "TOKENIZERS_PARALLELISM": "false",
}
"""glibc keeps the memory that every step asks for again, instead of having the kernel clear it anew. Idle
threads sleep: on shared cores, spinning ones were measured to cost three times the CPU time and more."""


class WorkerFailed(RuntimeError):
    """A worker process ended badly; the message holds the end of its error output."""


def run_workers(
    module: str, requests: Sequence[Mapping[str, Any]], scratch: Path, progress: Progress
) -> None:
    """Run a worker of `module` for each request, all at once, and pass their progress on in this thread.

    Raises `WorkerFailed` for the first, in the order of requests, that did not end with 0. Should anything
    else be raised here, the workers are killed.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    told: queue.Queue[str | None] = queue.Queue()
    with contextlib.ExitStack() as stack:
        workers = [stack.enter_context(_Worker(module, request, scratch, told)) for request in requests]
        ended = 0
        while ended < len(workers):
            line = told.get()
            if line is None:
                ended += 1
            elif line.startswith("{"):
                message = json.loads(line)
                progress(message["what"], message["done"], message["total"])
    for worker in workers:
        worker.check()


def serve(run: Callable[[Mapping[str, Any], Progress], Any], arguments: Sequence[str] | None = None) -> None:
    """What a worker module does when it is run: read the request, run it, tell progress.

    Whatever else is printed goes to standard error.
    """
    parser = argparse.ArgumentParser(description="Do what a request file says.")
    parser.add_argument("--request", type=Path, required=True)
    request = read_json(parser.parse_args(arguments).request)
    parent = os.getppid()
    out = sys.stdout

    def tell(what: str, done: int, total: int) -> None:
        if os.getppid() != parent:
            raise SystemExit("the process that asked for this is gone")
        print(json.dumps({"what": what, "done": done, "total": total}), file=out, flush=True)

    with contextlib.redirect_stdout(sys.stderr):
        run(request, tell)


class _Worker:
    """One worker process; its lines go into a queue, with None at the end."""

    def __init__(
        self, module: str, request: Mapping[str, Any], scratch: Path, told: queue.Queue[str | None]
    ) -> None:
        self.module = module
        name = digest_text(json.dumps(request, sort_keys=True))[:12]
        self.errors = scratch / f"{name}.errors.txt"
        write_json(scratch / f"{name}.request.json", dict(request))
        with self.errors.open("w", encoding="utf-8") as sink:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, "--request", str(scratch / f"{name}.request.json")],
                stdout=subprocess.PIPE,
                stderr=sink,
                text=True,
                env={**PROCESS_ENVIRONMENT, **os.environ},
            )
        self.reader = threading.Thread(target=self._read, args=(told,), daemon=True)
        self.reader.start()

    def __enter__(self) -> _Worker:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self.process.kill()
        self.reader.join()
        self.process.wait()

    def check(self) -> None:
        """Raise `WorkerFailed` unless the process ended well."""
        if self.process.returncode != 0:
            last = self.errors.read_text(encoding="utf-8", errors="replace").splitlines()[-12:]
            raise WorkerFailed(
                f"{self.module} ended with code {self.process.returncode}:\n" + "\n".join(last)
            )

    def _read(self, told: queue.Queue[str | None]) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                told.put(line)
        told.put(None)
