"""One action of oxen on the repository in the current folder: `run.py ACTION [NAME]`; prints its cost."""

from __future__ import annotations

import json
import resource
import sys
import time

from oxen import Repo, user


def main() -> None:
    """Do what the command line asks for; starting Python and importing oxen are not counted."""
    action, name = sys.argv[1], (sys.argv[2:] or [""])[0]
    seconds, cpu = time.perf_counter(), time.process_time()
    repository = Repo(".")
    if action == "start":
        user.config_user("benchmark", "benchmark@localhost")
        repository.init()
    elif action == "commit":
        repository.add("data")
        repository.commit(name)
    elif action == "branch":
        repository.checkout(name, create=True)
    elif action == "switch":
        repository.checkout(name)
    elif action == "merge":
        repository.merge(name)
    else:
        raise SystemExit(f"unknown action {action!r}")
    used = {
        "seconds": time.perf_counter() - seconds,
        "cpu": time.process_time() - cpu,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print("\n" + json.dumps(used))


if __name__ == "__main__":
    main()
