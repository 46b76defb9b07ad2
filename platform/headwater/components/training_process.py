"""The process that fine-tunes, started by Dagster Pipes: progress and losses go back as log lines."""

from __future__ import annotations

import os
import sys

from dagster_pipes import open_dagster_pipes

from headwater.train.finetune import run_request


def main() -> None:
    """Run the request in the Pipes context. Ends by itself when the process that started it is gone."""
    parent = os.getppid()
    with open_dagster_pipes() as pipes:

        def tell(what: str, done: int, total: int) -> None:
            if os.getppid() != parent:
                raise SystemExit("the process that asked for this training is gone")
            told = f"{what}: {done} of {total}"
            pipes.log.info(told)
            print(told, file=sys.stderr, flush=True)

        run_request(pipes.extras, tell)


if __name__ == "__main__":
    main()
