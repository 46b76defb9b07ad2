"""Checking that everything that was committed can still be read."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import pygit2

from headwater.fingerprint import digest_file
from headwater.lake.embedded import reach
from headwater.lake.embedded.claims import Claims
from headwater.lake.embedded.locks import Gate
from headwater.lake.embedded.repository import Repository
from headwater.lake.embedded.storage import Storage
from headwater.lake.embedded.upkeep import git_leftovers
from headwater.lake.embedded.views import Views
from headwater.lake.errors import Busy, Damaged, Gone
from headwater.lake.protocol import Object, Problem, RefKind

_RESTORE = "restore it from a backup of the lake, or build anew on a branch from an older, readable commit"
_PUT_AGAIN = "put the same content again (rebuild what made it), or restore the file from a backup"
_SWEEP = "sweep the lake"


def verify(
    repository: Repository,
    payloads: Storage,
    views: Views,
    claims: Claims,
    gate: Gate,
    *,
    erased: Collection[str],
    deep: bool,
) -> Iterator[Problem]:
    """See `Lake.verify`. Payloads that were `erased` on purpose are not missing.

    Leftovers are looked for only when nobody writes at that moment.
    """
    tips: list[pygit2.Oid] = []
    kinds: tuple[RefKind, ...] = ("branch", "tag")
    for kind in kinds:
        for name in repository.ref_names(kind):
            try:
                tips.append(repository.resolve_ref(kind, name))
            except Damaged as damage:
                yield Problem(
                    "unreadable", f"{kind} {name}", str(damage), f"delete the {kind}, or {_RESTORE}"
                )
    unreadable: list[Damaged] = []
    checked: set[str] = set()
    for entry in reach.objects(repository, tips, unreadable.append):
        if entry.digest not in checked:
            checked.add(entry.digest)
            if entry.digest not in erased or payloads.there(entry.digest):
                yield from _payload(payloads, entry, deep=deep)
    for damage in unreadable:
        yield Problem("unreadable", "repository", str(damage), _RESTORE)
    yield from _leftovers(repository, views, claims, gate)


def _payload(payloads: Storage, entry: Object, *, deep: bool) -> Iterator[Problem]:
    where = f"{entry.path} (sha256 {entry.digest})"
    file = payloads.path(entry.digest)
    try:
        size = file.stat().st_size
    except FileNotFoundError:
        if payloads.deltas.path(entry.digest).exists():
            yield from _delta(payloads, entry, where, deep=deep)
            return
        yield Problem("missing payload", where, f"a commit refers to it, and {file} is missing", _PUT_AGAIN)
        return
    if size != entry.size:
        found = f"{file} holds {size} bytes instead of {entry.size}"
        yield Problem("wrong payload", where, found, _PUT_AGAIN)
    elif deep and digest_file(file) != entry.digest:
        yield Problem("wrong payload", where, f"{file} holds other bytes than were committed", _PUT_AGAIN)


def _delta(payloads: Storage, entry: Object, where: str, *, deep: bool) -> Iterator[Problem]:
    try:
        if deep:
            payloads.deltas.rebuild(entry.digest)
        else:
            payloads.deltas.chain(entry.digest)
    except Gone:
        lost = f"{payloads.deltas.path(entry.digest)} is a delta of a payload that is missing"
        yield Problem("missing payload", where, lost, _PUT_AGAIN)
    except Damaged as damage:
        yield Problem("wrong payload", where, str(damage), _PUT_AGAIN)


def _leftovers(repository: Repository, views: Views, claims: Claims, gate: Gate) -> Iterator[Problem]:
    found: list[Path] = []
    try:
        with gate.alone(timeout=0):
            found = [*claims.leftovers(), *views.leftovers(), *git_leftovers(repository)]
    except Busy:
        return
    for path in found:
        yield Problem(
            "leftover", str(path), "a process died before it could remove it; it is harmless", _SWEEP
        )
