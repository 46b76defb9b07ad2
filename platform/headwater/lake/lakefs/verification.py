"""Checking that everything that was committed to lakeFS can still be read."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

from headwater.lake.errors import Damaged, LakeError, NotFound, Unavailable
from headwater.lake.lakefs.control import Control
from headwater.lake.lakefs.data import Data
from headwater.lake.lakefs.metadata import FOREIGN, read_commit, read_object
from headwater.lake.lakefs.transaction import read_name
from headwater.lake.protocol import Object, Problem

THREADS = 8
_PUT_AGAIN = (
    "put the same content again (rebuild what made it), or restore the lake's object store from a backup"
)
_RESTORE = "restore the lakeFS server from a backup, or build anew on a branch from an older, readable commit"
_SWEEP = "sweep the lake"


def verify(control: Control, data: Data, *, deep: bool) -> Iterator[Problem]:
    """See `Lake.verify`: every object that any commit of a branch or tag brought is asked for once; `deep`
    also reads its bytes."""
    branches = {str(item["id"]): str(item["commit_id"]) for item in control.branches(hidden=True)}
    tips = {*branches.values(), *(str(item["commit_id"]) for item in control.tags())}
    with (
        tempfile.TemporaryDirectory(prefix="headwater-verify-") as folder,
        ThreadPoolExecutor(THREADS) as pool,
    ):
        found = _brought(control, sorted(tips))
        while batch := list(islice(found, 8 * THREADS)):
            checked = pool.map(
                lambda item: _check(control, data, item[0], item[1], Path(folder), deep=deep), batch
            )
            yield from (problem for problem in checked if problem is not None)
    for name in sorted(branches):
        draft = read_name(name)
        if draft is not None and draft.abandoned:
            yield Problem(
                "leftover",
                f"hidden branch {name}",
                "a process died in a change before it could remove it; it is harmless",
                _SWEEP,
            )


def _brought(control: Control, tips: list[str]) -> Iterator[tuple[str, str]]:
    """Each commit with the paths that it brought against its first parent, over all history."""
    seen: set[str] = set()
    for tip in tips:
        for item in control.log(tip):
            commit = read_commit(item)
            if commit.id in seen:
                continue
            seen.add(commit.id)
            if not commit.parents:
                paths = (str(entry["path"]) for entry in control.objects(commit.id))
            else:
                changes = control.diff(commit.parents[0], commit.id)
                paths = (str(change["path"]) for change in changes if change["type"] != "removed")
            yield from ((commit.id, path) for path in paths)


def _check(
    control: Control, data: Data, commit: str, path: str, folder: Path, *, deep: bool
) -> Problem | None:
    where = f"{path} at {commit}"
    try:
        entry = read_object(control.stat(commit, path))
        size = _read(data, commit, entry, folder) if deep else data.head(commit, path)
    except Unavailable:
        raise
    except NotFound as error:
        return Problem(
            "missing payload", where, f"a commit refers to it, and lakeFS says: {error}", _PUT_AGAIN
        )
    except Damaged as error:
        return Problem("wrong payload", where, str(error), _PUT_AGAIN)
    except LakeError as error:
        return Problem("unreadable", where, str(error), _RESTORE)
    if size != entry.size:
        return Problem(
            "wrong payload", where, f"{size} bytes stand there instead of {entry.size}", _PUT_AGAIN
        )
    return None


def _read(data: Data, commit: str, entry: Object, folder: Path) -> int:
    target = folder / secrets.token_hex(8)
    try:
        digest = data.receive(commit, entry.path, entry.size, target)
        if not entry.digest.startswith(FOREIGN) and digest != entry.digest:
            raise Damaged(f"its bytes have the sha256 {digest} instead of {entry.digest}")
        return target.stat().st_size
    finally:
        target.unlink(missing_ok=True)
