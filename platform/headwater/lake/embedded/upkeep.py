"""Removing what nothing needs any more."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pygit2

from headwater.lake.embedded import reach
from headwater.lake.embedded.claims import Claims
from headwater.lake.embedded.locks import Gate
from headwater.lake.embedded.payloads import Payloads
from headwater.lake.embedded.repository import Repository
from headwater.lake.embedded.views import Views
from headwater.lake.names import TRANSIENT_PREFIXES
from headwater.lake.protocol import RefKind, Sweep

GATE_SECONDS = 10.0
_NANOSECONDS = 1_000_000_000


def sweep(
    repository: Repository,
    payloads: Payloads,
    views: Views,
    claims: Claims,
    gate: Gate,
    *,
    older_than: timedelta,
    dry_run: bool,
) -> Sweep:
    """See `Lake.sweep`. Raises `Busy` when writers do not leave the gate within 10 s, and `Damaged` before
    anything is removed when history cannot be read."""
    if older_than < timedelta(0):
        raise ValueError(f"older_than: expected zero or more, got {older_than}")
    with gate.alone(GATE_SECONDS):
        limit = time.time_ns() - int(older_than.total_seconds() * _NANOSECONDS)
        claimed = list(claims.living())
        busy = {value for kind, value in claimed if kind == "branch"}
        branches = tuple(name for name in _stale(repository, limit) if name not in busy)
        needed = _needed(repository, claimed, without=branches)
        dead = [
            (digest, found.st_size)
            for digest, found in payloads.all()
            if digest not in needed and max(found.st_mtime_ns, found.st_atime_ns) < limit
        ]
        idle = [tree for tree in views.all() if (views.folder / tree).stat().st_mtime_ns < limit]
        leftovers = [*claims.leftovers(), *views.leftovers(), *git_leftovers(repository)]
        if not dry_run:
            for name in branches:
                repository.remove_branch(name)
            for tree in idle:
                views.remove(tree)
            for digest, _ in dead:
                payloads.remove(digest)
            claims.clear()
            views.clear()
            for path in git_leftovers(repository):
                path.unlink()
            for path in _unused_locks(repository, gate.folder):
                path.unlink()
            payloads.vouched.compact({found.st_ino for _, found in payloads.all()})
        return Sweep(branches, len(dead), sum(size for _, size in dead), len(idle), len(leftovers), dry_run)


def git_leftovers(repository: Repository) -> list[Path]:
    """Locks and unfinished files of Git. Meaningful only for who holds the gate alone."""
    unfinished = (repository.path / "objects").rglob("tmp_*")
    return sorted([*(repository.path / "refs").rglob("*.lock"), *unfinished])


def _unused_locks(repository: Repository, locks: Path) -> Iterator[Path]:
    kinds: tuple[RefKind, ...] = ("branch", "tag")
    for kind in kinds:
        names = set(repository.ref_names(kind))
        for path in sorted(locks.glob(f"{kind}-*.lock")):
            # Tags are locked only while they are made.
            if kind == "tag" or path.stem.removeprefix(f"{kind}-") not in names:
                yield path


def _stale(repository: Repository, limit: int) -> Iterator[str]:
    kind: RefKind = "branch"
    for name, tip in repository.refs(kind).items():
        if not name.startswith(TRANSIENT_PREFIXES):
            continue
        # The commit may be much older than the branch that starts from it.
        file = repository.ref_file(kind, name)
        packed = repository.path / "packed-refs"
        moved = next((path.stat().st_mtime_ns for path in (file, packed) if path.exists()), 0)
        if max(moved, repository.commit(tip).commit_time * _NANOSECONDS) < limit:
            yield name


def _needed(repository: Repository, claimed: list[tuple[str, str]], without: tuple[str, ...]) -> set[str]:
    tips = [oid for name, oid in repository.refs("branch").items() if name not in without]
    tips.extend(repository.refs("tag").values())
    tips.extend(pygit2.Oid(hex=value) for kind, value in claimed if kind == "commit")
    needed = {entry.digest for entry in reach.objects(repository, tips)}
    needed.update(value for kind, value in claimed if kind == "payload")
    return needed
