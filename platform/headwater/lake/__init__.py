"""The versioned lake: one protocol, two stores."""

from __future__ import annotations

from pathlib import Path

from headwater.lake.errors import (
    Busy,
    Conflict,
    Damaged,
    Denied,
    Exists,
    Gone,
    InvalidName,
    LakeError,
    NoChanges,
    NotFound,
    Rejected,
    Unavailable,
)
from headwater.lake.protocol import Change, Commit, Diff, Lake, Object, Problem, RefKind, Strategy, Sweep

__all__ = [
    "Busy",
    "Change",
    "Commit",
    "Conflict",
    "Damaged",
    "Denied",
    "Diff",
    "Exists",
    "Gone",
    "InvalidName",
    "Lake",
    "LakeError",
    "NoChanges",
    "NotFound",
    "Object",
    "Problem",
    "RefKind",
    "Rejected",
    "Strategy",
    "Sweep",
    "Unavailable",
    "open_lake",
]


def open_lake(location: str | Path) -> Lake:
    """Open the embedded lake in the folder `location`, and make it when the folder is missing or empty.

    Raises `ValueError` when the location is no folder path or holds something else, `Denied` without
    permission to write there.
    """
    from headwater.lake.embedded import EmbeddedLake

    if isinstance(location, str) and (not location.strip() or "://" in location):
        raise ValueError(f"location of the lake: expected the path of a folder, got {location!r}")
    return EmbeddedLake(Path(location))
