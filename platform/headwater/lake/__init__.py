"""The versioned lake: one protocol, two stores."""

from __future__ import annotations

import os
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


def open_lake(location: str | Path, *, cache: Path | None = None) -> Lake:
    """Open the lake at `location`: the path of a folder, or a repository of a lakeFS server.

    A folder holds an embedded lake, made when it is missing or empty. `lakefs://host[:port]/repository` (over
    TLS) or `lakefs+http://…` names a repository, which must exist; its keys come from the environment
    (`LAKEFS_ACCESS_KEY_ID`, `LAKEFS_SECRET_ACCESS_KEY`, and `LAKEFS_CA_FILE` for an own authority), and
    downloads go to the folder `cache` (default: `headwater/lakefs` in the user's cache folder).

    Raises `ValueError` when the location is neither or the folder holds something else, `Denied` without
    permission to write there.
    """
    if isinstance(location, str) and location.startswith(("lakefs://", "lakefs+")):
        from headwater.lake.lakefs import LakeFSLake

        return LakeFSLake(location, cache or _user_cache() / "lakefs")
    from headwater.lake.embedded import EmbeddedLake

    if isinstance(location, str) and (not location.strip() or "://" in location):
        raise ValueError(
            "location of the lake: expected the path of a folder or lakefs://host[:port]/repository, "
            f"got {location!r}"
        )
    return EmbeddedLake(Path(location))


def _user_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "headwater"
