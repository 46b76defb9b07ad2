"""What every store of versions offers: the words of the project's lake, and nothing of how it is kept.

A *ref* is a branch, a tag or a full commit id; where a branch and a tag share a name, the branch is meant.
A step resolves its ref once and passes the commit id on, for a branch moves. Methods that return iterators
resolve their refs at the call, so an unknown ref raises there and not at the first item.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, Protocol

Strategy = Literal["source-wins", "dest-wins"]
RefKind = Literal["branch", "tag"]


@dataclass(frozen=True)
class Object:
    """One object at one commit. `digest` is the SHA-256 of its bytes in hex, `size` is in bytes."""

    path: str
    size: int
    digest: str
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Commit:
    """One version of the whole lake. `id` is opaque; `time` is UTC with whole seconds."""

    id: str
    parents: tuple[str, ...]
    message: str
    time: datetime
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Diff:
    """How one object differs on the right side from the left."""

    path: str
    kind: Literal["added", "removed", "changed"]


@dataclass(frozen=True)
class Sweep:
    """What a sweep removed, or would remove when `dry_run`. `freed` is in bytes and counts payloads."""

    branches: tuple[str, ...]
    payloads: int
    freed: int
    views: int
    leftovers: int
    dry_run: bool


@dataclass(frozen=True)
class Problem:
    """One finding of `Lake.verify`: what is wrong, where, why that matters and what mends it."""

    kind: Literal["missing payload", "wrong payload", "unreadable", "leftover"]
    where: str
    explanation: str
    remedy: str


class Change(Protocol):
    """The inside of `Lake.change`. Its methods may be called from several threads at once."""

    commit: Commit | None
    """Set when the block was left without an exception."""

    def put(
        self,
        path: str,
        source: Path | bytes,
        metadata: Mapping[str, str] = {},
        *,
        move: bool = False,
    ) -> Object:
        """Make `path` hold the bytes of `source`.

        With `move` the file is given up: it is taken into the lake where that saves a copy, and is gone
        afterwards even if the change fails. Raises `InvalidName`, `OSError` for a source that cannot be
        read, `Unavailable` when there is no room.
        """
        ...

    def put_folder(
        self, prefix: str, folder: Path, *, move: bool = False, metadata: Mapping[str, str] = {}
    ) -> tuple[Object, ...]:
        """Make what stands below `prefix` exactly the files below `folder`, each with `metadata`.

        Empty folders leave no trace. Symbolic links and special files raise `InvalidName` before anything
        is stored.
        """
        ...

    def adopt(self, prefix: str, ref: str) -> None:
        """Make what stands below `prefix` exactly what it is at `ref`, without moving bytes.

        Objects that `ref` does not have disappear. Raises `NotFound` for an unknown ref.
        """
        ...

    def delete(self, path: str) -> None:
        """Remove `path`; nothing happens when it is not there. The last word on a path counts."""
        ...


class Lake(Protocol):
    """A versioned store. All methods are safe between threads and between processes."""

    def resolve(self, ref: str) -> str:
        """The commit id of a ref. Raises `NotFound`."""
        ...

    def refs(self, kind: RefKind, prefix: str = "") -> dict[str, str]:
        """Names, sorted, and their commit ids."""
        ...

    def create_branch(self, name: str, source: str = "main") -> str:
        """Start a branch at a ref, copying nothing; returns the commit id.

        Raises `Exists`, `InvalidName`, `NotFound`.
        """
        ...

    def delete_branch(self, name: str) -> None:
        """Forget a branch; its commits stay readable by id. Raises `NotFound`, `Denied` if protected."""
        ...

    def tag(self, name: str, ref: str) -> str:
        """Name a commit for ever; returns its id. Raises `Exists` (tags never move), `InvalidName`."""
        ...

    def change(
        self, branch: str, message: str, metadata: Mapping[str, str] = {}
    ) -> AbstractContextManager[Change]:
        """One atomic commit: everything in the block or, after an exception, nothing.

        The change starts from the head at entry. If the branch moved meanwhile, both are merged at exit.
        Raises at exit `NoChanges`, `Conflict` (both touched a path differently; the first one stays),
        `InvalidName` (an object beside a folder of its name), `Busy`, `Unavailable`.
        """
        ...

    def merge(
        self,
        source: str,
        into: str,
        message: str,
        metadata: Mapping[str, str] = {},
        *,
        strategy: Strategy | None = None,
    ) -> str:
        """Bring what `source` changed since both parted into the branch `into`; returns the new commit.

        Objects are compared as wholes: a conflict is a path both sides changed differently, or one changed
        and the other removed. `strategy` decides conflicts instead of raising `Conflict`. Raises
        `NoChanges` when `into` already holds everything.
        """
        ...

    def revert(self, branch: str, ref: str, metadata: Mapping[str, str] = {}) -> str:
        """Undo what the commit `ref` brought (a merge: to its first parent) in a new commit; returns it.

        Raises `Conflict` when later commits changed the same objects, `NoChanges` when it is undone already.
        """
        ...

    def log(self, ref: str, *, prefix: str = "", limit: int | None = None) -> Iterator[Commit]:
        """Commits from newest to oldest, children before parents; with `prefix` those that changed below it
        against their first parent."""
        ...

    def diff(self, left: str, right: str, prefix: str = "") -> Iterator[Diff]:
        """Objects that differ, in order of their paths."""
        ...

    def list(
        self, ref: str, prefix: str = "", *, after: str = "", limit: int | None = None
    ) -> Iterator[Object]:
        """Objects whose path starts with `prefix` and comes after `after`, in byte order of their paths."""
        ...

    def stat(self, ref: str, path: str) -> Object:
        """One object. Raises `NotFound`, also for a folder."""
        ...

    def fetch(self, ref: str, path: str) -> Path:
        """A read-only local file with the object's bytes; a folder of such files when `path` ends with "/".

        The path stays valid while the commit is reachable. Raises `NotFound`, `Gone`, `Damaged`.
        """
        ...

    def sweep(self, *, older_than: timedelta, dry_run: bool = True) -> Sweep:
        """Remove what nothing needs any more and what nobody touched for `older_than`.

        That is: transient branches, bytes that no branch and no tag reaches, folders made by `fetch`, and
        what killed processes left. Changes in progress keep what they use.
        """
        ...

    def verify(self, *, deep: bool = False) -> Iterator[Problem]:
        """Check that all history can be read and every payload is there; `deep` reads every payload."""
        ...
