"""What a repository of lakeFS does, in memory: commits, branches with staging, whole-object merges.

Written from lakeFS's published documentation and API description. Like lakeFS it takes one merge base, allows
an object beside a folder of its name, and keeps no digest but its own checksum.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

Tree = dict[str, "Entry"]


class Refused(Exception):
    """An answer other than success."""

    def __init__(self, status: int, message: str, body: dict | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"message": message} if body is None else body


@dataclass(frozen=True)
class Entry:
    checksum: str
    size: int
    file: str
    metadata: tuple[tuple[str, str], ...]
    changed: int = field(compare=False, default=0)

    def same(self, other: Entry | None) -> bool:
        return other is not None and (self.checksum, self.size, self.metadata) == (
            other.checksum,
            other.size,
            other.metadata,
        )


@dataclass
class Commit:
    id: str
    parents: list[str]
    message: str
    metadata: dict[str, str]
    time: int
    tree: Tree
    generation: int


@dataclass
class Branch:
    commit: str
    hidden: bool = False
    staged: dict[str, Entry | None] = field(default_factory=dict)


class Repository:
    def __init__(self) -> None:
        self.commits: dict[str, Commit] = {}
        self.branches: dict[str, Branch] = {}
        self.tags: dict[str, str] = {}
        self.protected: list[str] = []
        self.branches["main"] = Branch(self._add([], "Repository created", {}, {}))

    def _add(self, parents: list[str], message: str, metadata: dict[str, str], tree: Tree) -> str:
        number = len(self.commits)
        key = hashlib.sha256(f"{id(self)} {number} {message} {parents}".encode()).hexdigest()
        generation = 1 + max((self.commits[parent].generation for parent in parents), default=0)
        self.commits[key] = Commit(key, parents, message, metadata, int(time.time()), tree, generation)
        return key

    def branch(self, name: str) -> Branch:
        if name not in self.branches:
            raise Refused(404, f"branch {name} not found")
        return self.branches[name]

    def resolve(self, ref: str) -> str:
        if ref in self.branches:
            return self.branches[ref].commit
        if ref in self.tags:
            return self.tags[ref]
        if ref in self.commits:
            return ref
        found = [key for key in self.commits if len(ref) >= 6 and key.startswith(ref)]
        if len(found) != 1:
            raise Refused(404, f"reference {ref} not found")
        return found[0]

    def tree(self, ref: str) -> Tree:
        committed = self.commits[self.resolve(ref)].tree
        if ref not in self.branches or not self.branches[ref].staged:
            return committed
        merged = {**committed, **self.branches[ref].staged}
        return {path: entry for path, entry in merged.items() if entry is not None}

    def stage(self, branch: str, path: str, entry: Entry | None) -> None:
        if branch in self.protected:
            raise Refused(403, "cannot write to protected branch")
        self.branch(branch).staged[path] = entry

    def commit(self, branch: str, message: str, metadata: dict[str, str]) -> Commit:
        if branch in self.protected:
            raise Refused(403, "cannot commit to protected branch")
        standing, tree = self.branch(branch), self.tree(branch)
        before = self.commits[standing.commit].tree
        if tree.keys() == before.keys() and all(entry.same(before[path]) for path, entry in tree.items()):
            raise Refused(400, "commit: no changes")
        standing.commit = self._add([standing.commit], message, metadata, tree)
        standing.staged = {}
        return self.commits[standing.commit]

    def ancestors(self, commit: str) -> set[str]:
        found, todo = {commit}, [commit]
        while todo:
            for parent in self.commits[todo.pop()].parents:
                if parent not in found:
                    found.add(parent)
                    todo.append(parent)
        return found

    def merge_base(self, one: str, other: str) -> str:
        shared = self.ancestors(one) & self.ancestors(other)
        return max(shared, key=lambda key: (self.commits[key].generation, key))

    def three_way(self, base: Tree, ours: Tree, theirs: Tree, strategy: str | None) -> tuple[Tree, list[str]]:
        tree, conflicts = dict(ours), list[str]()
        for path in sorted(base.keys() | theirs.keys()):
            old, own, new = base.get(path), ours.get(path), theirs.get(path)
            if _same(new, old) or _same(new, own):
                continue
            if not _same(own, old):
                if strategy is None:
                    conflicts.append(path)
                    continue
                if strategy == "dest-wins":
                    continue
            if new is None:
                tree.pop(path, None)
            else:
                tree[path] = new
        return tree, conflicts

    def merge(self, source: str, into: str, body: dict) -> str:
        standing, tip = self.branch(into), self.resolve(source)
        if standing.staged:
            raise Refused(400, "branch is dirty")
        base = self.merge_base(tip, standing.commit)
        ours = self.commits[standing.commit].tree
        strategy = body.get("strategy") or None
        tree, conflicts = self.three_way(self.commits[base].tree, ours, self.commits[tip].tree, strategy)
        if conflicts:
            raise Refused(409, "", {"reference": ""})
        if base == tip or _equal(tree, ours):
            raise Refused(400, "merge: no changes")
        parents = [standing.commit] if body.get("squash_merge") else [standing.commit, tip]
        metadata = {**(body.get("metadata") or {}), ".lakefs.merge.strategy": strategy or "default"}
        standing.commit = self._add(parents, body.get("message") or "Merge", metadata, tree)
        return standing.commit

    def revert(self, branch: str, ref: str, parent: int) -> None:
        standing, undone = self.branch(branch), self.commits[self.resolve(ref)]
        if parent > len(undone.parents):
            raise Refused(400, "parent out of range")
        ours = self.commits[standing.commit].tree
        before = self.commits[undone.parents[parent - 1]].tree
        tree, conflicts = self.three_way(undone.tree, ours, before, None)
        if conflicts:
            raise Refused(409, "", {"message": "revert: conflict found"})
        if _equal(tree, ours):
            raise Refused(400, "revert: no changes")
        standing.commit = self._add([standing.commit], f"Revert {undone.id}", {}, tree)

    def diff(self, left: str, right: str, kind: str) -> Iterator[tuple[str, str]]:
        one, other = self.tree(left), self.tree(right)
        if kind == "two_dot":
            for path in sorted(one.keys() | other.keys(), key=str.encode):
                if not _same(one.get(path), other.get(path)):
                    yield path, _kind(one.get(path), other.get(path))
            return
        base = self.commits[self.merge_base(self.resolve(left), self.resolve(right))].tree
        for path in sorted(base.keys() | other.keys(), key=str.encode):
            old, own, new = base.get(path), one.get(path), other.get(path)
            if not _same(new, old) and not _same(new, own):
                yield path, _kind(old, new) if _same(own, old) else "conflict"

    def log(self, ref: str) -> list[Commit]:
        found = self.ancestors(self.resolve(ref))
        order = {key: number for number, key in enumerate(self.commits)}
        return [
            self.commits[key]
            for key in sorted(found, key=lambda key: (self.commits[key].generation, order[key]), reverse=True)
        ]


def _same(one: Entry | None, other: Entry | None) -> bool:
    return one is other or (one is not None and one.same(other))


def _equal(one: Tree, other: Tree) -> bool:
    return one.keys() == other.keys() and all(entry.same(other[path]) for path, entry in one.items())


def _kind(before: Entry | None, after: Entry | None) -> str:
    return "added" if before is None else "removed" if after is None else "changed"
