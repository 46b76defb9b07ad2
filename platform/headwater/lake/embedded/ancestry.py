"""Where two commits parted, also when their histories cross."""

from __future__ import annotations

import pygit2

from headwater.lake.embedded import loose
from headwater.lake.embedded.repository import Repository
from headwater.lake.embedded.trees import Merge, Tree


def base_tree(repository: Repository, ours: pygit2.Oid, theirs: pygit2.Oid) -> Tree:
    """The tree against which both sides are compared.

    After branches were merged into each other crosswise there are several last common ancestors, and taking
    any one of them can silently undo a side's work. They are then merged into one; what conflicts between
    them equals neither side, so that it is decided anew (the idea of Git's recursive merge).
    """
    bases = common_ancestors(repository, ours, theirs)
    if not bases:
        return None
    merged: Tree = repository.tree(bases[0])
    undecided = loose.blob(repository.git, b"undecided") if len(bases) > 1 else None
    for other in bases[1:]:
        older = base_tree(repository, bases[0], other)
        merged = Merge(repository.git, undecided=undecided)(older, merged, repository.tree(other))
    return merged


def common_ancestors(repository: Repository, ours: pygit2.Oid, theirs: pygit2.Oid) -> list[pygit2.Oid]:
    """The commits both sides contain and that no other such commit contains, in the order of their ids."""
    repository.check_history(ours, theirs)
    git = repository.git
    first = git.merge_base(ours, theirs)
    # Without a common ancestor pygit2 returns None, whatever its annotation says.
    if first is None:  # pyright: ignore[reportUnnecessaryComparison]
        return []
    others = _since(repository, ours, first) & _since(repository, theirs, first)
    found = [oid for oid in others if not any(git.descendant_of(other, oid) for other in others - {oid})]
    return sorted([first, *found], key=str)


def _since(repository: Repository, tip: pygit2.Oid, base: pygit2.Oid) -> set[pygit2.Oid]:
    walker = repository.git.walk(tip)
    walker.hide(base)
    return {commit.id for commit in walker}
