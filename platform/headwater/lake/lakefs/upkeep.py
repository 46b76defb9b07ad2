"""Removing branches that nothing needs any more.

Payloads that no commit reaches are collected by lakeFS's own garbage collection, which its operator runs, and
not from here: `Sweep.payloads` and `Sweep.freed` are zero.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from headwater.fingerprint import canonical_json, digest_text
from headwater.lake.errors import NotFound
from headwater.lake.lakefs.address import Address
from headwater.lake.lakefs.cache import Cache
from headwater.lake.lakefs.control import Control
from headwater.lake.lakefs.metadata import read_commit
from headwater.lake.lakefs.transaction import read_name
from headwater.lake.names import TRANSIENT_PREFIXES
from headwater.lake.protocol import Sweep


def sweep(
    control: Control, cache: Cache, folder: Path, address: Address, *, older_than: timedelta, dry_run: bool
) -> Sweep:
    """See `Lake.sweep`.

    lakeFS does not tell when a branch was made, and a new one points to an old commit. So this machine notes
    in `folder` since when it knows each transient branch with its head, and a branch is old when both its
    head and that note are: on a machine that never swept before, the first sweep only takes note unless
    `older_than` is zero.
    """
    if older_than < timedelta(0):
        raise ValueError(f"older_than: expected zero or more, got {older_than}")
    now = int(time.time())
    limit = now - int(older_than.total_seconds())
    listed = {str(item["id"]): str(item["commit_id"]) for item in control.branches(hidden=True)}
    drafts = [draft for draft in map(read_name, listed) if draft is not None]
    used = {draft.branch for draft in drafts if not draft.abandoned}
    kept = used | {draft.name for draft in drafts}
    transient = {
        name: commit
        for name, commit in sorted(listed.items())
        if name.startswith(TRANSIENT_PREFIXES) and name not in kept
    }
    known = _note(folder / "seen" / f"{digest_text(str(address))}.json", transient, now)
    stale = tuple(
        name
        for name, commit in transient.items()
        if known[name] <= limit and read_commit(control.commit(commit)).time.timestamp() <= limit
    )
    dead = [draft.name for draft in drafts if draft.abandoned and draft.seconds <= limit]
    views, leftovers = cache.sweep(older_than=older_than, dry_run=dry_run)
    if not dry_run:
        for name in (*stale, *dead):
            # Somebody else swept it meanwhile.
            with suppress(NotFound):
                control.delete_branch(name)
    return Sweep(stale, 0, 0, views, len(dead) + leftovers, dry_run)


def _note(file: Path, branches: dict[str, str], now: int) -> dict[str, int]:
    """Since when each branch has been known with its present head, in seconds; remembered in `file`."""
    before: dict[str, list[object]] = {}
    with suppress(FileNotFoundError, ValueError):
        before = json.loads(file.read_text(encoding="utf-8"))
    known = {
        name: [commit, before[name][1] if before.get(name, [None])[0] == commit else now]
        for name, commit in branches.items()
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".new")
    draft.write_text(canonical_json(known), encoding="utf-8")
    draft.replace(file)
    return {name: int(str(since)) for name, (_, since) in known.items()}
