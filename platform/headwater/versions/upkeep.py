"""Clearing up: branches of dead runs, bytes that nothing refers to, old caches and unfinished work."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from headwater.lake.protocol import Sweep
from headwater.settings import Settings

HOME_FOLDERS = ("cache", "scratch", "reproduce")


@dataclass(frozen=True)
class Cleared:
    """What was removed, or would be: from the lake, and from HEADWATER_HOME (paths below it, bytes)."""

    lake: Sweep
    files: tuple[str, ...]
    bytes: int
    applied: bool


def clear(settings: Settings, *, older_than: timedelta, apply: bool) -> Cleared:
    """Sweep the lake, and remove caches and unfinished work that nobody read or wrote for `older_than`.

    An entry of the cache that is removed too early costs its computation, nothing else. Unfinished work is
    removed as a whole per build, by its youngest file. Raises `ValueError` for a negative age.
    """
    if older_than < timedelta(0):
        raise ValueError(f"older_than: expected zero or more, got {older_than}")
    swept = settings.open_lake().sweep(older_than=older_than, dry_run=not apply)
    limit = time.time() - older_than.total_seconds()
    stale = [path for path in _entries(settings.home) if _last_used(path) < limit]
    sizes = sum(_size(path) for path in stale)
    if apply:
        for path in stale:
            _remove(path)
    return Cleared(swept, tuple(path.relative_to(settings.home).as_posix() for path in stale), sizes, apply)


def parse_age(text: str) -> timedelta:
    """`7d`, `12h`, `30m`, `0d`. Raises `ValueError` for anything else."""
    units = {"d": "days", "h": "hours", "m": "minutes"}
    number, unit = text[:-1], text[-1:]
    if unit not in units or not number.isdecimal():
        raise ValueError(f"age: expected a number with d, h or m, such as 7d, got {text!r}")
    return timedelta(**{units[unit]: int(number)})


def _entries(home: Path) -> list[Path]:
    """What is judged as one: each file or folder directly below the folders of HEADWATER_HOME."""
    folders = [home / name for name in HOME_FOLDERS if (home / name).is_dir()]
    return [path for folder in folders for path in sorted(folder.iterdir()) if not path.is_symlink()]


def _files(path: Path) -> list[Path]:
    return [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]


def _last_used(path: Path) -> float:
    """The youngest time of reading or writing; of an empty folder its own."""
    times = [max(found.st_atime, found.st_mtime) for found in (file.stat() for file in _files(path))]
    return max(times, default=path.stat().st_mtime)


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in _files(path))


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
