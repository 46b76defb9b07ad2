"""Merging as the lake means it, on top of lakeFS's own merge.

lakeFS merges by whole objects, three-way, and says that there is a conflict, but not where; and it lets an
object `a` stand beside `a/b`, which no file system can hold. Both are looked for here before the merge. If
somebody else merges in between, lakeFS still finds conflicts of equal paths; `a` beside `a/b` made by two
writers within that moment is the one case it would let through.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from headwater.lake.errors import Conflict, NoChanges, Unavailable
from headwater.lake.lakefs.control import Control, find_commit
from headwater.lake.lakefs.metadata import WRITER
from headwater.lake.lakefs.transaction import transaction
from headwater.lake.protocol import Strategy


def merge(
    control: Control,
    source: str,
    into: str,
    message: str,
    metadata: Mapping[str, str],
    *,
    strategy: Strategy | None = None,
    squash: bool = False,
) -> str:
    """Merge the commit `source` into a branch; the new commit's id. Raises `NoChanges`, `Conflict`."""
    head = control.branch(into)
    base = control.merge_base(source, into)
    if base == source:
        raise NoChanges(f"{into!r} already holds everything of {source!r}")
    if base == head:
        if not any(control.diff(head, source, amount=1)):
            raise NoChanges(f"{source!r} brings nothing new to {into!r}")
        return merge_now(control, source, into, message, metadata, strategy, squash=squash)
    changes = list(control.diff(head, source, "three_dot"))
    if not changes:
        raise NoChanges(f"{source!r} brings nothing new to {into!r}")
    added, removed = _paths(changes, "added"), _paths(changes, "removed")
    clashing = clashes(control, head, added, removed)
    if strategy is None and (conflicts := _paths(changes, "conflict") | set(clashing)):
        raise Conflict(conflicts)
    if clashing and strategy is not None:
        losers = set(_losers(clashing, added, strategy))
        return _merge_without(control, source, into, head, message, metadata, strategy, losers)
    return merge_now(control, source, into, message, metadata, strategy, squash=squash)


def merge_now(
    control: Control,
    source: str,
    into: str,
    message: str,
    metadata: Mapping[str, str],
    strategy: Strategy | None,
    *,
    squash: bool,
) -> str:
    """Let lakeFS merge without looking first, safe against lost answers; the new commit's id.

    Raises `NoChanges`, and `Conflict` with the paths.
    """
    token = secrets.token_hex(8)
    try:
        return control.merge(
            source, into, message, {**metadata, WRITER: token}, strategy=strategy, squash=squash
        )
    except (NoChanges, Unavailable):
        # Perhaps it was merged and only the answer got lost; a second try then finds nothing to do.
        made = find_commit(control, into, WRITER, token)
        if made is None:
            raise
        return made
    except Conflict as conflict:
        if conflict.paths:
            raise
        # The branch moved after it was looked at.
        head = control.branch(into)
        raise Conflict(differing(control, control.merge_base(source, into), head, source)) from None


def commit_now(control: Control, draft: str, message: str, metadata: Mapping[str, str]) -> str:
    """Commit what is staged on a hidden branch, safe against lost answers. Raises `NoChanges`."""
    before = control.branch(draft)
    try:
        return control.commit_branch(draft, message, metadata)
    except (NoChanges, Unavailable):
        # Perhaps it was committed and only the answer got lost; a second try then finds nothing to do.
        head = control.branch(draft)
        if head == before:
            raise
        return head


def clashes(control: Control, ref: str, added: Collection[str], removed: Collection[str] = ()) -> list[str]:
    """Objects that stand where a folder is, and what is below, once `added` came to `ref` and `removed` went.

    Only folders on the way to `added` are looked at.
    """
    inside: dict[str, set[str]] = {}
    for path in added:
        inside.setdefault(_folder(path), set()).add(path)
    folders = {""} | {folder for path in added for folder in _ancestors(path)}
    there = {""}
    found: list[str] = []
    for folder in sorted(folders):
        objects, below = set[str](), {other for other in folders if other and _folder(other[:-1]) == folder}
        if folder in there:
            for item in control.objects(ref, folder, delimiter="/"):
                if item["path_type"] == "object":
                    objects.add(str(item["path"]))
                else:
                    there.add(str(item["path"]))
                    below.add(str(item["path"]))
        for path in sorted((objects - set(removed)) | inside.get(folder, set())):
            if path + "/" in below:
                kept = {str(item["path"]) for item in control.objects(ref, path + "/")} - set(removed)
                under = kept | {other for other in added if other.startswith(path + "/")}
                found.extend([path, *sorted(under)] if under else [])
    return found


def differing(control: Control, base: str, one: str, other: str) -> set[str]:
    """Paths that hold three different things, or two and nothing, in three commits."""
    sides = ((base, one), (base, other), (one, other))
    first, *others = ({str(item["path"]) for item in control.diff(*side)} for side in sides)
    return first.intersection(*others)


def _merge_without(
    control: Control,
    source: str,
    into: str,
    head: str,
    message: str,
    metadata: Mapping[str, str],
    strategy: Strategy,
    losers: Collection[str],
) -> str:
    with transaction(control, into, head) as draft:
        merge_now(control, source, draft, message, {}, strategy, squash=False)
        control.delete(draft, sorted(losers))
        decided = control.commit_branch(
            draft, f"{message}\n\nobjects and folders of one name: {strategy}", {}
        )
        return merge_now(control, decided, into, message, metadata, strategy, squash=False)


def _losers(clashing: list[str], added: Collection[str], strategy: Strategy) -> Iterator[str]:
    for path in clashing:
        under = [other for other in clashing if other.startswith(path + "/")]
        if under:
            keep_file = (path in added) == (strategy == "source-wins")
            yield from under if keep_file else [path]


def _paths(changes: list[dict[str, Any]], kind: str) -> set[str]:
    return {str(item["path"]) for item in changes if item.get("type") == kind}


def _folder(path: str) -> str:
    folder, slash, _ = path.rpartition("/")
    return folder + slash


def _ancestors(path: str) -> Iterator[str]:
    folder = _folder(path)
    while folder:
        yield folder
        folder = _folder(folder[:-1])
