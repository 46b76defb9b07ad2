"""Payloads that a newer one took the place of become deltas against it, so that history costs what changed.

What a branch has at its head stays whole, to be read in place; branches of runs, which start from what is
just being replaced and soon go, do not count.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pygit2

from headwater.lake.embedded import pointers, trees
from headwater.lake.embedded.claims import Claims
from headwater.lake.embedded.disk import flush
from headwater.lake.embedded.frames import MAX_OPENED_BYTES
from headwater.lake.embedded.locks import Gate
from headwater.lake.embedded.repository import Repository
from headwater.lake.embedded.storage import Storage
from headwater.lake.errors import Gone, LakeError
from headwater.lake.names import TRANSIENT_PREFIXES

log = logging.getLogger("headwater")

MIN_BYTES = 1 << 14
"""Smaller payloads stay whole: a delta takes at least a block of the file system."""
_AT_ONCE = 2
_GATE_SECONDS = 2.0


def keep_as_deltas(
    repository: Repository,
    payloads: Storage,
    claims: Claims,
    gate: Gate,
    root: Path,
    before: pygit2.Oid,
    now: pygit2.Oid,
    *,
    durable: bool,
) -> None:
    """Turn what the tree `now` replaced in the tree `before` into deltas, where that saves enough.

    The caller does not hold the gate. Never raises for what the lake or the disk say: what was published
    stands, and what could not be made a delta stays whole.
    """
    try:
        pairs = _pairs(repository, payloads, before, now)
        if pairs:
            _replace(payloads, claims, gate, root, pairs, durable=durable)
    except (LakeError, OSError, pygit2.GitError) as error:
        log.warning("what was replaced stays whole in the lake: %s", error)


def current(repository: Repository, without: tuple[str, ...] = ()) -> set[str]:
    """Digests of everything that branches have at their heads."""
    heads = {repository.tree(oid) for name, oid in repository.refs("branch").items() if name not in without}
    return {entry.digest for tree in heads for entry in pointers.objects(repository.git, tree)}


def drop_whole(payloads: Storage, digest: str) -> bool:
    """Delete the bytes of a payload if its delta can take their place; whether it could.

    The caller holds the gate alone, and all deltas are on disk.
    """
    try:
        payloads.deltas.chain(digest)
    except Gone:
        return False
    payloads.path(digest).unlink(missing_ok=True)
    return True


def _pairs(repository: Repository, payloads: Storage, before: pygit2.Oid, now: pygit2.Oid) -> dict[str, str]:
    """Digests of large payloads that no branch has any more where they were, each with its successor's."""
    git = repository.git
    found: dict[str, str] = {}
    kept: dict[str, set[pygit2.Oid]] = {}
    for path, old, new in trees.replaced(git, before, now):
        was = pointers.load(git, old, path)
        if not MIN_BYTES <= was.size <= MAX_OPENED_BYTES:
            continue
        folder = path[: path.rfind("/") + 1]
        if folder not in kept:
            kept[folder] = set(_at_heads(repository, folder))
        becomes = pointers.load(git, new, path)
        if old in kept[folder] or was.digest == becomes.digest or not 0 < becomes.size <= MAX_OPENED_BYTES:
            continue
        if payloads.path(was.digest).exists() and payloads.path(becomes.digest).exists():
            found[was.digest] = becomes.digest
    return found


def _at_heads(repository: Repository, folder: str) -> Iterator[pygit2.Oid]:
    """What branches have in a folder; a payload that one has elsewhere is made whole when it is read."""
    for name, oid in repository.refs("branch").items():
        if name.startswith(TRANSIENT_PREFIXES):
            continue
        tree = repository.tree(oid)
        found = trees.find(repository.git, tree, folder) if folder else tree
        yield from trees.entries(repository.git, found).values()


def _replace(
    payloads: Storage, claims: Claims, gate: Gate, root: Path, pairs: dict[str, str], *, durable: bool
) -> None:
    claim = claims.open()
    drafts = {digest: claim.temporary() for digest in pairs}
    try:
        claim.note("payload", *pairs, *pairs.values())

        def make(digest: str) -> bool:
            return payloads.deltas.make(digest, pairs[digest], drafts[digest])

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            made = [digest for digest, worth in zip(pairs, pool.map(make, pairs), strict=True) if worth]
        if not made:
            return
        if durable:
            flush(root)
        with gate.shared():
            # What was erased meanwhile must not come back.
            made = [digest for digest in made if payloads.path(digest).exists()]
            for digest in made:
                payloads.deltas.place(digest, pairs[digest], drafts[digest])
        if durable:
            flush(root)
        with gate.alone(_GATE_SECONDS):
            for digest in made:
                drop_whole(payloads, digest)
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)
        claim.release()
