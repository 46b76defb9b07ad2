"""Removing what nothing needs any more."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pygit2

from headwater.lake.embedded import reach, superseded
from headwater.lake.embedded.claims import Claims
from headwater.lake.embedded.disk import flush
from headwater.lake.embedded.locks import Gate
from headwater.lake.embedded.repository import Repository
from headwater.lake.embedded.storage import Storage
from headwater.lake.embedded.views import Views
from headwater.lake.errors import LakeError
from headwater.lake.names import TRANSIENT_PREFIXES
from headwater.lake.protocol import RefKind, Sweep

GATE_SECONDS = 10.0
_NANOSECONDS = 1_000_000_000


def sweep(
    repository: Repository,
    payloads: Storage,
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
        dead, spare = _dead(payloads, needed, superseded.current(repository, without=branches), limit)
        idle = [tree for tree in views.all() if (views.folder / tree).stat().st_mtime_ns < limit]
        leftovers = [*claims.leftovers(), *views.leftovers(), *git_leftovers(repository)]
        if not dry_run:
            for name in branches:
                repository.remove_branch(name)
            for tree in idle:
                views.remove(tree)
            for digest in dead:
                payloads.remove(digest)
            if spare:
                flush(payloads.folder)
            for digest in spare:
                superseded.drop_whole(payloads, digest)
            payloads.deltas.forget_heights(digest for digest, _ in (*payloads.all(), *payloads.deltas.all()))
            claims.clear()
            views.clear()
            for path in git_leftovers(repository):
                path.unlink()
            for path in _unused_locks(repository, gate.folder):
                path.unlink()
            payloads.vouched.compact({found.st_ino for _, found in payloads.all()})
        freed = sum(dead.values()) + sum(spare.values())
        return Sweep(branches, len(dead) + len(spare), freed, len(idle), len(leftovers), dry_run)


def git_leftovers(repository: Repository) -> list[Path]:
    """Locks and unfinished files of Git. Meaningful only for who holds the gate alone."""
    unfinished = (repository.path / "objects").rglob("tmp_*")
    return sorted([*(repository.path / "refs").rglob("*.lock"), *unfinished])


def _dead(
    payloads: Storage, needed: set[str], current: set[str], limit: int
) -> tuple[dict[str, int], dict[str, int]]:
    """What can go, with its bytes: payloads in all their forms, and whole bytes beside a sound delta."""
    whole, deltas = dict(payloads.all()), dict(payloads.deltas.all())
    idle = {
        digest: sum(form[digest].st_size for form in (whole, deltas) if digest in form)
        for digest in sorted({*whole, *deltas})
        if all(_touched(form[digest]) < limit for form in (whole, deltas) if digest in form)
    }
    kept = payloads.deltas.needed({*whole, *deltas} - (idle.keys() - needed))
    dead = {digest: size for digest, size in idle.items() if digest not in kept}
    beside = idle.keys() & whole.keys() & deltas.keys() - current - dead.keys()
    spare = {digest: whole[digest].st_size for digest in sorted(beside) if _replaceable(payloads, digest)}
    return dead, spare


def _touched(found: os.stat_result) -> int:
    return max(found.st_mtime_ns, found.st_atime_ns)


def _replaceable(payloads: Storage, digest: str) -> bool:
    try:
        payloads.deltas.rebuild(digest)
    except LakeError:
        return False
    return True


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
