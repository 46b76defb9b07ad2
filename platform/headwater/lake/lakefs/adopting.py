"""Taking folders over from another version without moving bytes, where lakeFS's own operations can do it.

lakeFS copies an object by copying its bytes within the object store. A revert and a merge only refer to bytes
that are there, so their cost follows the number of commits and objects, never their size.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress

from headwater.lake.errors import Conflict, NoChanges
from headwater.lake.lakefs.control import Control
from headwater.lake.lakefs.metadata import read_commit
from headwater.lake.lakefs.transaction import transaction
from headwater.lake.protocol import Commit

MOST_UNDONE = 50
"""So many commits are undone at the most; further back, objects are copied."""

FEWEST_GRAFTED = 8
"""Fewer objects than this are copied one by one: that takes fewer requests."""

_LAST = "\U0010ffff"


def go_back(control: Control, draft: str, head: str, source: str, prefixes: Sequence[str]) -> bool:
    """Bring what stands below `prefixes` back to what it was at `source`, an earlier commit of the same line.

    Undoes on `draft`, which stands at `head`, every later commit that touched them. Returns whether it did;
    it leaves `draft` alone when one of those commits also touched something else.
    """
    undone: list[str] = []
    for commit in _since(control, head, source):
        parent = commit.parents[0]
        if any(any(control.diff(parent, commit.id, prefix=prefix, amount=1)) for prefix in prefixes):
            if len(undone) == MOST_UNDONE or _touches_others(control, parent, commit.id, prefixes):
                return False
            undone.append(commit.id)
    for commit in undone:
        # What still differs afterwards, for whatever reason, is copied.
        with suppress(Conflict, NoChanges):
            control.revert(draft, commit)
    return bool(undone)


def graft(control: Control, draft: str, branch: str, source: str, paths: Collection[str]) -> bool:
    """Bring `paths` as they are at the commit `source` onto `draft`, a hidden branch of `branch`.

    A merge does it, in which the other objects of `source` were deleted before. That is possible only where
    both sides began apart, from a commit without objects: returns whether it was.
    """
    if len(paths) < FEWEST_GRAFTED:
        return False
    base = control.merge_base(source, draft)
    if base == source or any(control.objects(base, amount=1)):
        return False
    others = [path for item in control.objects(source) if (path := str(item["path"])) not in paths]
    with transaction(control, branch, source) as side:
        tip = source
        if others:
            control.delete(side, others)
            tip = control.commit_branch(side, "Only what is taken over", {})
        control.merge(tip, draft, "Take over", {}, strategy="source-wins", squash=True)
    return True


def _since(control: Control, head: str, source: str) -> Iterator[Commit]:
    """The line of first parents from `head` down to, and without, `source`; nothing if it is not on it."""
    line: list[Commit] = []
    wanted = head
    for item in control.log(head):
        if wanted == source:
            return iter(line)
        if item["id"] == wanted:
            line.append(read_commit(item))
            if not line[-1].parents:
                break
            wanted = line[-1].parents[0]
    return iter(())


def _touches_others(control: Control, parent: str, commit: str, prefixes: Sequence[str]) -> bool:
    after = ""
    while True:
        found = next(control.diff(parent, commit, after=after, amount=1), None)
        if found is None:
            return False
        inside = next((prefix for prefix in prefixes if str(found["path"]).startswith(prefix)), None)
        if inside is None:
            return True
        # The rest below this prefix need not be looked at.
        after = inside + _LAST
