"""Everything that a set of commits leads to, visiting what they share once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import pygit2

from headwater.lake.embedded import loose, trees
from headwater.lake.embedded.pointers import load
from headwater.lake.embedded.repository import Repository
from headwater.lake.errors import Damaged
from headwater.lake.protocol import Object

OnDamage = Callable[[Damaged], None]


def fail(damage: Damaged) -> None:
    """The default for what cannot be read: raise."""
    raise damage


def objects(
    repository: Repository, tips: Iterable[pygit2.Oid], on_damage: OnDamage = fail
) -> Iterator[Object]:
    """The distinct objects of some commits and all their ancestors; an object that several trees hold comes
    with its first path. `on_damage` is told of every commit, tree and pointer that cannot be read."""
    broken = set(loose.broken(repository.path))
    seen: set[pygit2.Oid] = set()
    for commit in _history(repository, tips, broken, on_damage):
        waiting = [("", commit.tree_id)]
        while waiting:
            at, tree = waiting.pop()
            if tree in seen:
                continue
            seen.add(tree)
            try:
                _check(tree, broken)
                found = trees.entries(repository.git, tree)
            except Damaged as damage:
                on_damage(damage)
                continue
            for key, oid in found.items():
                if key.endswith("/"):
                    waiting.append((at + key, oid))
                elif oid not in seen:
                    seen.add(oid)
                    try:
                        _check(oid, broken)
                        yield load(repository.git, oid, at + key)
                    except Damaged as damage:
                        on_damage(damage)


def _history(
    repository: Repository, tips: Iterable[pygit2.Oid], broken: set[pygit2.Oid], on_damage: OnDamage
) -> Iterator[pygit2.Commit]:
    waiting = sorted(set(tips), key=str)
    seen = set(waiting)
    while waiting:
        oid = waiting.pop()
        try:
            _check(oid, broken)
            commit = repository.commit(oid)
        except Damaged as damage:
            on_damage(damage)
            continue
        yield commit
        for parent in commit.parent_ids:
            if parent not in seen:
                seen.add(parent)
                waiting.append(parent)


def _check(oid: pygit2.Oid, broken: set[pygit2.Oid]) -> None:
    if oid in broken:
        raise Damaged(f"the file of the object {oid} of the lake's repository is broken")
