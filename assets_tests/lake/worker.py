"""What other processes do in the tests: `python worker.py LOCATION COMMAND ARGUMENTS…`."""

from __future__ import annotations

import os
import random
import signal
import sys
from datetime import timedelta
from pathlib import Path

from headwater.lake import Busy, Conflict, Lake, LakeError, NoChanges, NotFound, open_lake


def changes(lake: Lake, name: str, count: str) -> None:
    """`count` changes on main, each of one object of this worker's own."""
    for number in range(int(count)):
        with lake.change("main", f"{name} {number}") as change:
            change.put(f"{name}/{number}", f"{name} {number}".encode())


def merges(lake: Lake, name: str, count: str) -> None:
    """`count` times: a branch from main, two objects on it, merged into main."""
    for number in range(int(count)):
        branch = f"dev-{name}-{number}"
        lake.create_branch(branch)
        with lake.change(branch, "two") as change:
            change.put(f"{name}/{number}/a", f"{name} {number}".encode())
            change.put(f"{name}/{number}/b", f"{name} {number}".encode())
        lake.merge(branch, "main", f"merge {branch}")
        lake.delete_branch(branch)


def die_in_change(lake: Lake, path: str) -> None:
    """Put an object and die before the change ends."""
    with lake.change("main", "never") as change:
        change.put(path, b"half a change")
        print("put", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)


def hold_change(lake: Lake, path: str) -> None:
    """Put an object, wait for a line on standard input, then end the change."""
    with lake.change("main", "slow") as change:
        change.put(path, path.encode())
        print("put", flush=True)
        sys.stdin.readline()


def sweeps(lake: Lake, count: str) -> None:
    """Sweep everything unneeded, again and again."""
    done = 0
    while done < int(count):
        try:
            lake.sweep(older_than=timedelta(0), dry_run=False)
            done += 1
        except Busy:
            continue


def table(edits: list[int]) -> bytes:
    """A payload of which an edit changes one place: its older versions become deltas."""
    lines = [f"row {number} " + random.Random(number).randbytes(24).hex() for number in range(400)]
    for edit in edits:
        lines[edit % 400] = f"edited {edit}"
    return "\n".join(lines).encode()


def storm(lake: Lake, seed: str) -> None:
    """Everything a lake can do, without end; prints the id of each commit once it is made."""
    chance = random.Random(seed)
    spare = Path(sys.argv[1]).with_name("spare")
    for number in range(1_000_000):
        branch = f"run-{seed}-{number}"
        try:
            lake.create_branch(branch)
            with lake.change(branch, "storm") as change:
                for _ in range(chance.randrange(1, 8)):
                    change.put(f"data/{chance.randrange(40)}", chance.randbytes(20_000))
                change.put(f"data/table-{chance.randrange(2)}", table([chance.randrange(9), number]))
                spare.mkdir(exist_ok=True)
                for name in range(chance.randrange(1, 20)):
                    (spare / str(name)).write_bytes(chance.randbytes(3_000))
                change.put_folder(f"folder/{chance.randrange(3)}/", spare, move=chance.random() < 0.5)
            print(lake.merge(branch, "main", "merge", strategy="source-wins"), flush=True)
            lake.tag(f"t-{seed}-{number}", branch)
            for path in ("data/", "folder/"):
                lake.fetch("main", path)
            for old in lake.log("main", prefix="data/", limit=4):
                lake.fetch(old.id, "data/")
            if chance.random() < 0.3:
                lake.sweep(older_than=timedelta(0), dry_run=False)
            if chance.random() < 0.5:
                lake.delete_branch(branch)
        except (NoChanges, NotFound, Conflict):
            continue


def main() -> None:
    """Run the command that the arguments name."""
    lake = open_lake(sys.argv[1])
    commands = (changes, merges, die_in_change, hold_change, sweeps, storm)
    command = {function.__name__: function for function in commands}[sys.argv[2]]
    try:
        command(lake, *sys.argv[3:])
    except LakeError as error:
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
