"""Folders of one commit, compared, edited and merged by structure.

Cost follows what differs, not what is there: equal subtrees have equal ids and are never entered. A tree
entry is keyed by its name, a folder's with "/" at the end; in this form the order of keys is the byte order
of full paths, and an object and a folder of one name are two things, of which a tree may hold only one.
`None` stands for an empty tree. Nothing here compares contents: an object is its pointer's id.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast

import pygit2
from pygit2.enums import FileMode

from headwater.lake.embedded import loose
from headwater.lake.errors import Damaged, InvalidName
from headwater.lake.protocol import Diff, Strategy

Tree = pygit2.Oid | None


def entries(repository: pygit2.Repository, tree: Tree) -> dict[str, pygit2.Oid]:
    """Keys and ids of a tree. Raises `Damaged` when it cannot be read."""
    if tree is None:
        return {}
    return {
        entry.name + ("/" if entry.filemode == FileMode.TREE else ""): entry.id
        for entry in _read(repository, tree)
        if entry.name is not None
    }


def find(repository: pygit2.Repository, tree: Tree, path: str) -> Tree:
    """Id of the object `path`, or of the folder when it ends with "/"; `None` when it is not there."""
    at = tree
    parts = path.removesuffix("/").split("/")
    for index, part in enumerate(parts):
        folder = index + 1 < len(parts) or path.endswith("/")
        if at is None:
            return None
        found = _read(repository, at)
        if part not in found or (found[part].filemode == FileMode.TREE) is not folder:
            return None
        at = found[part].id
    return at


def walk(
    repository: pygit2.Repository, tree: Tree, prefix: str = "", after: str = "", at: str = ""
) -> Iterator[tuple[str, pygit2.Oid]]:
    """Objects (path, id) whose path starts with `prefix` and comes after `after`, in byte order of paths."""
    for key, oid in sorted(entries(repository, tree).items()):
        path = at + key
        if not path.endswith("/"):
            if path.startswith(prefix) and path > after:
                yield path, oid
        elif (path.startswith(prefix) or prefix.startswith(path)) and (
            path > after or after.startswith(path)
        ):
            yield from walk(repository, oid, prefix, after, path)


def diff(
    repository: pygit2.Repository, left: Tree, right: Tree, prefix: str = "", at: str = ""
) -> Iterator[Diff]:
    """Objects that differ below `prefix`, in byte order of paths."""
    if left == right:
        return
    old, new = entries(repository, left), entries(repository, right)
    for key in sorted(old.keys() | new.keys()):
        path = at + key
        before, now = old.get(key), new.get(key)
        if before == now or not (path.startswith(prefix) or prefix.startswith(path)):
            continue
        if path.endswith("/"):
            yield from diff(repository, before, now, prefix, path)
        elif path.startswith(prefix):
            kind = "added" if before is None else "removed" if now is None else "changed"
            yield Diff(path, kind)


def replaced(
    repository: pygit2.Repository, left: Tree, right: Tree, at: str = ""
) -> Iterator[tuple[str, pygit2.Oid, pygit2.Oid]]:
    """Objects of both sides that differ (path, id on the left, id on the right), in byte order of paths."""
    old, new = entries(repository, left), entries(repository, right)
    for key in sorted(old.keys() & new.keys()):
        before, now = old[key], new[key]
        if before == now:
            continue
        if key.endswith("/"):
            yield from replaced(repository, before, now, at + key)
        else:
            yield at + key, before, now


def edit(repository: pygit2.Repository, tree: Tree, changes: Mapping[str, Tree], at: str = "") -> Tree:
    """Set (or with `None` remove) objects by path. Raises `InvalidName` for `a` beside `a/b`."""
    delta: dict[str, Tree] = {}
    below: dict[str, dict[str, Tree]] = {}
    for path, oid in changes.items():
        name, slash, rest = path.partition("/")
        if slash:
            below.setdefault(name + "/", {})[rest] = oid
        else:
            delta[name] = oid
    old = entries(repository, tree) if below else {}
    for key, inner in below.items():
        delta[key] = edit(repository, old.get(key), inner, at + key)
    return _rebuild(repository, tree, delta, at)


def splice(repository: pygit2.Repository, tree: Tree, prefix: str, subtree: Tree, at: str = "") -> Tree:
    """Replace the folder `prefix` (ends with "/") as a whole. Raises `InvalidName` as `edit`."""
    name, _, rest = prefix.partition("/")
    key = name + "/"
    if rest:
        subtree = splice(repository, entries(repository, tree).get(key), rest, subtree, at + key)
    return _rebuild(repository, tree, {key: subtree}, at)


@dataclass
class Merge:
    """Three-way merge by presence and identity of whole objects, as lakeFS does it.

    Without a strategy, `conflicts` collects the paths that both sides changed differently and the result is
    of no use, unless `undecided` is given: the id of an object to stand wherever there is a conflict.
    """

    repository: pygit2.Repository
    strategy: Strategy | None = None
    undecided: pygit2.Oid | None = None
    conflicts: list[str] = field(default_factory=list[str])

    def __call__(self, base: Tree, ours: Tree, theirs: Tree, at: str = "") -> Tree:
        """The tree of `ours` with what `theirs` changed since `base`."""
        if theirs in (base, ours):
            return ours
        if ours == base:
            return theirs
        olds = entries(self.repository, base)
        mine = entries(self.repository, ours)
        news = entries(self.repository, theirs)
        delta: dict[str, Tree] = {}
        for key in sorted(olds.keys() | news.keys()):
            old, own, new = olds.get(key), mine.get(key), news.get(key)
            if new in (old, own):
                continue
            if own == old:
                delta[key] = new
            elif key.endswith("/"):
                delta[key] = self(old, own, new, at + key)
            else:
                delta[key] = self._decide(at + key, own, new)
        self._untangle(mine, news, delta, at)
        return _rebuild(self.repository, ours, delta, at)

    def _decide(self, path: str, own: Tree, new: Tree) -> Tree:
        if self.strategy is not None:
            return new if self.strategy == "source-wins" else own
        if self.undecided is not None:
            return self.undecided
        self.conflicts.append(path)
        return own

    def _untangle(
        self, mine: Mapping[str, pygit2.Oid], news: Mapping[str, pygit2.Oid], delta: dict[str, Tree], at: str
    ) -> None:
        """One side made the object `a`, the other objects below `a/`: only one of them can stay."""
        after = {**mine, **delta}
        for name in [key for key in delta if not key.endswith("/")] + [
            key[:-1] for key in delta if key.endswith("/")
        ]:
            folder = name + "/"
            if after.get(name) is None or after.get(folder) is None:
                continue
            if self.strategy is None and self.undecided is None:
                self.conflicts.append(at + name)
                self.conflicts.extend(
                    path for path, _ in walk(self.repository, after[folder], at=at + folder)
                )
            file_is_theirs = name in news and name not in mine
            keep_file = file_is_theirs == (self.strategy == "source-wins")
            delta[folder if keep_file else name] = None
            after[folder if keep_file else name] = None


def below(repository: pygit2.Repository, tree: Tree, prefix: str) -> tuple[tuple[str, pygit2.Oid], ...]:
    """What stands below `prefix`, as ids: equal if and only if nothing below it differs."""
    folder, _, start = prefix.rpartition("/")
    inside = find(repository, tree, folder + "/") if folder else tree
    return tuple(
        (key, oid) for key, oid in sorted(entries(repository, inside).items()) if key.startswith(start)
    )


def _read(repository: pygit2.Repository, tree: pygit2.Oid) -> pygit2.Tree:
    loose.check(repository, tree)
    try:
        found = cast("object", repository[tree])
    except (KeyError, pygit2.GitError) as error:
        raise Damaged(f"the tree {tree} of the lake's repository cannot be read: {error}") from error
    if not isinstance(found, pygit2.Tree):
        raise Damaged(f"the lake's repository holds no tree as {tree}")
    return found


def _rebuild(repository: pygit2.Repository, tree: Tree, delta: Mapping[str, Tree], at: str) -> Tree:
    """A tree with some entries set or removed; only what is in `delta` is looked at."""
    if tree is not None:
        loose.check(repository, tree)
    builder = repository.TreeBuilder() if tree is None else repository.TreeBuilder(tree)
    for key, oid in delta.items():
        if oid is None and _is_tree(builder, key.removesuffix("/")) is key.endswith("/"):
            builder.remove(key.removesuffix("/"))
    for key, oid in delta.items():
        if oid is None:
            continue
        name, is_tree = key.removesuffix("/"), key.endswith("/")
        if _is_tree(builder, name) is (not is_tree):
            raise InvalidName(f"{at + name!r} cannot be an object and a folder at once")
        builder.insert(name, oid, FileMode.TREE if is_tree else FileMode.BLOB)
    return loose.write(repository, builder.write) if len(builder) else None


def _is_tree(builder: pygit2.TreeBuilder, name: str) -> bool | None:
    """Whether the entry is a folder; `None` when there is no such entry."""
    # pygit2 returns None for a missing entry, whatever its annotation says.
    mode = getattr(builder.get(name), "filemode", None)
    return None if mode is None else mode == FileMode.TREE
