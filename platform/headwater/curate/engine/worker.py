"""A worker process: does the tasks that it reads from standard input, and answers each with a line.

A task is a JSON object on one line, see `work.Task`. It ends at the end of its input, and so also when
the build that started it was killed; an error ends it with a trace.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pyarrow as pa

from headwater.curate.engine.no_pandas import hide_pandas
from headwater.curate.engine.work import Worker
from headwater.curate.steps import STEPS, step_name


def main(arguments: list[str]) -> int:
    """Argument: the folder in which the job was saved."""
    pa.set_cpu_count(1)
    # What a library prints must not be taken for an answer.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    worker: Worker | None = None
    for line in sys.stdin:
        if worker is None:
            worker = Worker.open(Path(arguments[0]))
            # Only a product's own step may hand something of pandas to Arrow.
            if all(step_name(step) in STEPS for step in worker.job.chain.steps):
                hide_pandas()
        worker.perform(json.loads(line))
        print("done", file=answers, flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
