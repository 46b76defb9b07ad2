"""The bare Git repository that holds refs, commits and trees of pointers."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import cast

import pygit2
from pygit2.enums import ConfigLevel, ObjectType, SortMode

from headwater.fingerprint import canonical_json
from headwater.lake.embedded import loose, trees
from headwater.lake.errors import Damaged, Exists, NotFound
from headwater.lake.inputs import check_message, check_metadata
from headwater.lake.names import looks_like_commit, may_be_ref
from headwater.lake.protocol import Commit, RefKind

_FOLDERS: dict[RefKind, str] = {"branch": "refs/heads/", "tag": "refs/tags/"}


class Repository:
    """Refs and commits. Each thread of each process opens the repository for itself."""

    def __init__(self, path: Path, *, durable: bool) -> None:
        self.path = path
        self._durable = durable
        self._local = threading.local()
        self._walked: set[pygit2.Oid] = set()

    @staticmethod
    def create(path: Path) -> None:
        """Make a repository whose only branch is an empty `main`; finishes what a dead process began."""
        _ignore_users_settings()
        made = pygit2.init_repository(str(path), bare=True, initial_head="main")
        if "refs/heads/main" not in made.references:
            empty = made.TreeBuilder().write()
            author = _signature()
            made.create_commit("refs/heads/main", author, author, _message("Lake created", {}), empty, [])

    @property
    def git(self) -> pygit2.Repository:
        """This thread's handle."""
        if getattr(self._local, "process", None) != os.getpid():
            _ignore_users_settings()
            self._local.handle = pygit2.Repository(str(self.path))
            self._local.process = os.getpid()
        handle: pygit2.Repository = self._local.handle
        return handle

    def resolve(self, ref: str) -> pygit2.Oid:
        """The commit a branch, tag or full commit id means. Raises `NotFound`."""
        for folder in _FOLDERS.values():
            found = self._lookup(folder + ref)
            if found is not None:
                return found
        if looks_like_commit(ref) and len(ref) == 40 and ref in self.git:
            oid = pygit2.Oid(hex=ref)
            if self.git[oid].type == ObjectType.COMMIT:
                return oid
        raise NotFound(f"no branch, tag or commit is named {ref!r}")

    def resolve_ref(self, kind: RefKind, name: str) -> pygit2.Oid:
        """The commit of a branch or tag. Raises `NotFound`, and `Damaged` for a ref that cannot be read."""
        found = self._lookup(_FOLDERS[kind] + name)
        if found is None:
            raise NotFound(f"no {kind} is named {name!r}")
        return found

    def head(self, branch: str) -> pygit2.Oid:
        """The last commit of a branch. Raises `NotFound`."""
        return self.resolve_ref("branch", branch)

    def ref_names(self, kind: RefKind, prefix: str = "") -> list[str]:
        """Names of branches or tags, sorted, whether they can be read or not."""
        start = _FOLDERS[kind]
        listed = {name.decode() for name in self.git.raw_listall_references()}
        # libgit2 passes over a ref that it cannot read, and the sweep must not take it for deleted.
        present = (file.name for file in (self.path / start).iterdir() if file.suffix != ".lock")
        names = {name.removeprefix(start) for name in listed if name.startswith(start)} | set(present)
        return sorted(name for name in names if name.startswith(prefix))

    def refs(self, kind: RefKind, prefix: str = "") -> dict[str, pygit2.Oid]:
        """Names and commits, sorted by name. Raises `Damaged` if there is one that cannot be read."""
        names = self.ref_names(kind, prefix)
        found = {name: self._lookup(_FOLDERS[kind] + name) for name in names}
        # A branch may be deleted between the listing and the look.
        return {name: oid for name, oid in found.items() if oid is not None}

    def add_ref(self, kind: RefKind, name: str, commit: pygit2.Oid) -> None:
        """Create a branch or tag. Raises `Exists`. The caller holds the lock of that name."""
        self.clear_lock(kind, name)
        try:
            self.git.references.create(_FOLDERS[kind] + name, commit)
        except pygit2.AlreadyExistsError:
            raise Exists(f"there is a {kind} named {name!r} already") from None
        self._secure(kind, name)

    def move_branch(self, name: str, commit: pygit2.Oid) -> None:
        """Point a branch to another commit. The caller holds its lock and looked at its head."""
        self.clear_lock("branch", name)
        self.git.references[_FOLDERS["branch"] + name].set_target(commit)
        self._secure("branch", name)

    def remove_branch(self, name: str) -> None:
        """Delete a branch, even one that cannot be read. Raises `NotFound`. The caller holds its lock."""
        self.clear_lock("branch", name)
        try:
            self.head(name)
        except Damaged:
            self.ref_file("branch", name).unlink()
        else:
            self.git.references.delete(_FOLDERS["branch"] + name)

    def ref_file(self, kind: RefKind, name: str) -> Path:
        """Where Git keeps a ref that is not packed."""
        return self.path / f"{_FOLDERS[kind]}{name}"

    def clear_lock(self, kind: RefKind, name: str) -> None:
        """Remove Git's own lock of a ref: under our lock, only a process that died can have left it."""
        file = self.ref_file(kind, name)
        file.with_name(file.name + ".lock").unlink(missing_ok=True)

    def commit(self, oid: pygit2.Oid) -> pygit2.Commit:
        """A commit. Raises `Damaged` when it cannot be read."""
        loose.check(self.git, oid)
        try:
            found = cast("object", self.git[oid])
        except (KeyError, pygit2.GitError) as error:
            raise Damaged(f"the commit {oid} of the lake's repository cannot be read: {error}") from error
        if not isinstance(found, pygit2.Commit):
            raise Damaged(f"the lake's repository holds no commit as {oid}")
        return found

    def tree(self, oid: pygit2.Oid) -> pygit2.Oid:
        """The id of a commit's tree."""
        return self.commit(oid).tree_id

    def write_commit(
        self, tree: trees.Tree, parents: Sequence[pygit2.Oid], message: str, metadata: Mapping[str, str]
    ) -> pygit2.Oid:
        """Store a commit that no branch refers to yet."""
        author = _signature()
        git = self.git
        root = self.empty_tree() if tree is None else tree
        body = _message(message, metadata)
        ancestors = list[str | pygit2.Oid](parents)
        return loose.write(git, lambda: git.create_commit(None, author, author, body, root, ancestors))

    def empty_tree(self) -> pygit2.Oid:
        """The tree of a lake without objects."""
        git = self.git
        return loose.write(git, lambda: git.TreeBuilder().write())

    def describe(self, oid: pygit2.Oid) -> Commit:
        """A commit in the lake's terms."""
        found = self.commit(oid)
        message, _, line = found.message.removesuffix("\n").rpartition("\n\n")
        return Commit(
            id=str(found.id),
            parents=tuple(str(parent) for parent in found.parent_ids),
            message=message,
            time=datetime.fromtimestamp(found.commit_time, UTC),
            metadata=json.loads(line),
        )

    def walk(self, start: pygit2.Oid) -> Iterator[pygit2.Commit]:
        """A commit and its ancestors, newest first, children before parents. Raises `Damaged`."""
        self.check_history(start)
        return self.git.walk(start, SortMode.TOPOLOGICAL | SortMode.TIME)

    def check_history(self, *tips: pygit2.Oid) -> None:
        """Raise `Damaged` when a commit that one of these leads to is broken, before libgit2 walks there.

        Each commit is looked at once per process.
        """
        waiting = [oid for oid in tips if oid not in self._walked]
        seen = set(waiting)
        while waiting:
            for parent in self.commit(waiting.pop()).parent_ids:
                if parent not in seen and parent not in self._walked:
                    seen.add(parent)
                    waiting.append(parent)
        self._walked |= seen

    def contains(self, commit: pygit2.Oid, ancestor: pygit2.Oid) -> bool:
        """Whether `commit` is `ancestor` or comes after it. Raises `Damaged`."""
        self.check_history(commit, ancestor)
        return commit == ancestor or self.git.descendant_of(commit, ancestor)

    def reachable(self, commit: pygit2.Oid) -> bool:
        """Whether a branch or tag leads to `commit`."""
        tips: list[pygit2.Oid] = []
        for kind in _FOLDERS:
            for name in self.ref_names(kind):
                # A ref that is broken, or deleted since, leads nowhere.
                with suppress(Damaged, NotFound):
                    tips.append(self.resolve_ref(kind, name))
        return any(self.contains(tip, commit) for tip in tips)

    def _lookup(self, name: str) -> pygit2.Oid | None:
        if not may_be_ref(name.rpartition("/")[2]) or name.count("/") != 2:
            return None
        try:
            reference = self.git.references.get(name)
            target = None if reference is None else reference.target
        except pygit2.GitError as error:
            raise Damaged(f"the ref {name!r} of the lake cannot be read: {error}") from error
        if target is not None and not isinstance(target, pygit2.Oid):
            raise Damaged(f"the ref {name!r} of the lake points to {target!r} instead of a commit")
        return target

    def _secure(self, kind: RefKind, name: str) -> None:
        if not self._durable:
            return
        file = self.ref_file(kind, name)
        for path in (file, file.parent):
            with suppress(FileNotFoundError):
                descriptor = os.open(path, os.O_RDONLY)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)


def _message(message: str, metadata: Mapping[str, str]) -> str:
    # Canonical JSON holds no line break, so the last blank line is always the one before it.
    return f"{check_message(message)}\n\n{canonical_json(check_metadata(metadata))}\n"


@cache
def _ignore_users_settings() -> None:
    """Make libgit2 read no settings but the lake's own, in this process.

    A home folder that cannot be read, as in a container under another user, would keep it from opening
    anything. Nor does it matter who owns the folder: Git's caution is about hooks, of which we run none.
    """
    for level in (ConfigLevel.PROGRAMDATA, ConfigLevel.SYSTEM, ConfigLevel.XDG, ConfigLevel.GLOBAL):
        pygit2.settings.search_path[level] = ""
    pygit2.settings.owner_validation = False


def _signature() -> pygit2.Signature:
    return pygit2.Signature("headwater", "headwater@localhost")
