"""The embedded store: a Git repository of pointers beside a content-addressed folder of payloads.

    <root>/lake.json     format of the lake
    <root>/git/          bare repository: refs, commits, trees of one-line pointers
    <root>/objects/      payloads by SHA-256, read-only
    <root>/deltas/       payloads of the past, as what differs from their successors
    <root>/views/        folders of hard links, by tree
    <root>/changes/      what changes in progress rely on
    <root>/erased.txt    digests of payloads that were erased on purpose
    <root>/locks/ tmp/ vouched.txt

A commit is: payloads, pointers, trees and the commit written; one flush of the file system; the ref moved.
So a crash at any moment leaves the old state. For local POSIX file systems: it needs flock and hard links.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from itertools import islice
from pathlib import Path

import pygit2

from headwater.lake.checked import CheckedLake
from headwater.lake.embedded import disk, erasure, layout, pointers, superseded, trees, upkeep, verification
from headwater.lake.embedded.ancestry import base_tree
from headwater.lake.embedded.change import EmbeddedChange
from headwater.lake.embedded.claims import Claim, Claims
from headwater.lake.embedded.failures import explained
from headwater.lake.embedded.locks import Gate, locked
from headwater.lake.embedded.repository import Repository
from headwater.lake.embedded.storage import Storage
from headwater.lake.embedded.views import Views
from headwater.lake.errors import Conflict, Gone, NoChanges, NotFound
from headwater.lake.names import check_path, check_prefix, compose
from headwater.lake.protocol import Commit, Diff, Object, Problem, RefKind, Strategy, Sweep


class EmbeddedLake(CheckedLake):
    """A lake in a folder of this machine; see `headwater.lake.protocol.Lake`.

    `durable=False` leaves flushing to the operating system: for scratch lakes that need not survive a power
    cut. Instances may be shared by threads, forked and pickled.
    """

    def __init__(self, root: Path, *, durable: bool = True) -> None:
        self.root = root.absolute()
        self._durable = durable
        with explained(self.root):
            layout.prepare(self.root)
        self._gate = Gate(self.root / "locks")
        self._claims = Claims(self.root)
        self._payloads = Storage(self.root, self._claims, self._gate)
        self._views = Views(self.root, self._payloads, self._gate)
        self._repository = Repository(self.root / "git", durable=durable)

    def __reduce__(self) -> tuple[object, ...]:
        return _reopen, (self.root, self._durable)

    def resolve(self, ref: str) -> str:
        return str(self._repository.resolve(ref))

    def refs(self, kind: RefKind, prefix: str = "") -> dict[str, str]:
        return {name: str(oid) for name, oid in self._repository.refs(kind, prefix).items()}

    def _delete_branch(self, name: str) -> None:
        with explained(self.root), self._gate.shared(), self._lock("branch", name):
            self._repository.remove_branch(name)

    @contextmanager
    def _change(self, branch: str, message: str, metadata: Mapping[str, str]) -> Generator[EmbeddedChange]:
        with explained(self.root):
            base = self._repository.head(branch)
            claim = self._claims.open()
        try:
            with explained(self.root):
                claim.note("branch", branch)
            change = EmbeddedChange(self.root, self._gate, self._payloads, claim, self._kept_tree)
            try:
                yield change
            finally:
                change.close()
            change.commit = self._commit(change, branch, base, message, metadata)
        finally:
            claim.release()

    def _merge(
        self, source: str, into: str, message: str, metadata: Mapping[str, str], strategy: Strategy | None
    ) -> str:
        repository = self._repository
        repository.head(into)
        with explained(self.root), self._gate.shared(), self._lock("branch", into):
            ours, theirs = repository.head(into), self._kept(source)
            if repository.contains(ours, theirs):
                raise NoChanges(f"{into!r} already holds everything of {source!r}")
            base = base_tree(repository, ours, theirs)
            tree = self._merged(base, repository.tree(ours), repository.tree(theirs), strategy)
            if tree == repository.tree(ours):
                raise NoChanges(f"{source!r} brings nothing new to {into!r}")
            made = self._advance(into, tree, [ours, theirs], message, metadata)
        self._keep_as_deltas(repository.tree(ours), tree)
        return str(made)

    def _revert(self, branch: str, ref: str, metadata: Mapping[str, str]) -> str:
        repository = self._repository
        repository.head(branch)
        with explained(self.root), self._gate.shared(), self._lock("branch", branch):
            head, undone = repository.head(branch), self._kept(ref)
            parents = repository.commit(undone).parent_ids
            before = repository.tree(parents[0]) if parents else None
            tree = self._merged(repository.tree(undone), repository.tree(head), before, None)
            if tree == repository.tree(head):
                raise NoChanges(f"{branch!r} holds nothing of {ref!r} that could be undone")
            subject = repository.describe(undone).message.partition("\n")[0]
            made = self._advance(branch, tree, [head], f"Revert {undone}: {subject}", metadata)
        self._keep_as_deltas(repository.tree(head), tree)
        return str(made)

    def log(self, ref: str, *, prefix: str = "", limit: int | None = None) -> Iterator[Commit]:
        return self._log(self._repository.resolve(ref), compose(prefix), limit)

    def _log(self, start: pygit2.Oid, prefix: str, limit: int | None) -> Iterator[Commit]:
        repository = self._repository

        def touches(commit: pygit2.Commit) -> bool:
            parents = commit.parent_ids
            before = repository.tree(parents[0]) if parents else None
            git = repository.git
            return trees.below(git, commit.tree_id, prefix) != trees.below(git, before, prefix)

        found = (commit.id for commit in repository.walk(start) if not prefix or touches(commit))
        yield from map(repository.describe, islice(found, limit))

    def diff(self, left: str, right: str, prefix: str = "") -> Iterator[Diff]:
        old, new = self._tree(left), self._tree(right)
        return trees.diff(self._repository.git, old, new, compose(prefix))

    def list(
        self, ref: str, prefix: str = "", *, after: str = "", limit: int | None = None
    ) -> Iterator[Object]:
        found = pointers.objects(self._repository.git, self._tree(ref), compose(prefix), compose(after))
        return islice(found, limit)

    def stat(self, ref: str, path: str) -> Object:
        path = check_path(path)
        found = trees.find(self._repository.git, self._tree(ref), path)
        if found is None:
            raise NotFound(f"there is no object {path!r} at {ref!r}")
        return pointers.load(self._repository.git, found, path)

    def fetch(self, ref: str, path: str) -> Path:
        with explained(self.root):
            found = (
                self._fetch_folder(ref, check_prefix(path)) if path.endswith("/") else self._fetch(ref, path)
            )
            self._payloads.vouched.save()
        return found

    def sweep(self, *, older_than: timedelta, dry_run: bool = True) -> Sweep:
        with explained(self.root):
            return upkeep.sweep(
                self._repository,
                self._payloads,
                self._views,
                self._claims,
                self._gate,
                older_than=older_than,
                dry_run=dry_run,
            )

    def erase(self, digests: Collection[str]) -> tuple[int, int]:
        """Delete payloads although commits refer to them; fetching them raises `Gone` from then on.

        Returns how many were deleted and their bytes. Not part of the protocol: another store has a garbage
        collection of its own. The caller answers for the branches that need them. Raises `Busy` as `sweep`.
        """
        with explained(self.root):
            return erasure.erase(self.root, self._payloads, self._views, self._gate, digests)

    def undo_deltas(self) -> tuple[int, int]:
        """Make all payloads whole that are kept as deltas; returns how many, and the bytes of their deltas.

        For the time before another release of zstd is installed (see `frames`). Raises `Busy` as `sweep`.
        """
        with explained(self.root), self._gate.alone(upkeep.GATE_SECONDS):
            found = {digest: status.st_size for digest, status in self._payloads.deltas.all()}
            self._payloads.undo(found.keys())
        return len(found), sum(found.values())

    def verify(self, *, deep: bool = False) -> Iterator[Problem]:
        return verification.verify(
            self._repository,
            self._payloads,
            self._views,
            self._claims,
            self._gate,
            erased=erasure.erased(self.root),
            deep=deep,
        )

    def _fetch(self, ref: str, path: str) -> Path:
        entry = self.stat(ref, path)
        if entry.size >= superseded.MIN_BYTES:
            return self._views.single(entry)
        return self._payloads.sound(entry.digest, entry.path)

    def _fetch_folder(self, ref: str, prefix: str) -> Path:
        git = self._repository.git
        tree = trees.find(git, self._tree(ref), prefix)
        if tree is None:
            raise NotFound(f"there is no folder {prefix!r} at {ref!r}")
        return self._views.find(str(tree)) or self._views.make(str(tree), pointers.objects(git, tree))

    def _commit(
        self,
        change: EmbeddedChange,
        branch: str,
        base: pygit2.Oid,
        message: str,
        metadata: Mapping[str, str],
    ) -> Commit:
        repository = self._repository
        with explained(self.root), self._gate.shared():
            before = repository.tree(base)
            wanted = self._whole(change.write(repository.git, before))
            if wanted == before:
                raise NoChanges(f"nothing in the change differs from {branch!r}")
            with self._lock("branch", branch):
                tip = repository.head(branch)
                tree = self._merged(before, repository.tree(tip), wanted, None)
                if tree == repository.tree(tip):
                    raise NoChanges(f"{branch!r} already holds what the change brings")
                made = self._advance(branch, tree, [tip], message, metadata)
        self._payloads.vouched.save()
        self._keep_as_deltas(repository.tree(tip), tree)
        return repository.describe(made)

    def _merged(
        self, base: trees.Tree, ours: trees.Tree, theirs: trees.Tree, strategy: Strategy | None
    ) -> pygit2.Oid:
        merge = trees.Merge(self._repository.git, strategy)
        tree = merge(base, ours, theirs)
        if merge.conflicts:
            raise Conflict(merge.conflicts)
        return self._whole(tree)

    def _whole(self, tree: trees.Tree) -> pygit2.Oid:
        return self._repository.empty_tree() if tree is None else tree

    def _advance(
        self,
        branch: str,
        tree: pygit2.Oid,
        parents: Sequence[pygit2.Oid],
        message: str,
        metadata: Mapping[str, str],
    ) -> pygit2.Oid:
        commit = self._repository.write_commit(tree, parents, message, metadata)
        if self._durable:
            disk.flush(self.root)
        self._repository.move_branch(branch, commit)
        return commit

    def _keep_as_deltas(self, before: pygit2.Oid, now: pygit2.Oid) -> None:
        superseded.keep_as_deltas(
            self._repository,
            self._payloads,
            self._claims,
            self._gate,
            self.root,
            before,
            now,
            durable=self._durable,
        )

    def _name_commit(self, kind: RefKind, name: str, ref: str) -> str:
        with explained(self.root), self._gate.shared(), self._lock(kind, name):
            commit = self._kept(ref)
            self._repository.add_ref(kind, name, commit)
        return str(commit)

    def _lock(self, kind: RefKind, name: str) -> AbstractContextManager[None]:
        return locked(self.root / "locks" / f"{kind}-{name}.lock")

    def _tree(self, ref: str) -> pygit2.Oid:
        return self._repository.tree(self._repository.resolve(ref))

    def _kept_tree(self, ref: str, claim: Claim) -> pygit2.Oid:
        with explained(self.root), self._gate.shared():
            commit = self._kept(ref)
            claim.note("commit", str(commit))
            return self._repository.tree(commit)

    def _kept(self, ref: str) -> pygit2.Oid:
        """Resolve a ref that is about to be referred to: a commit that nothing leads to may be swept.

        Raises `Gone` when some of its payloads are. The caller holds the gate.
        """
        commit = self._repository.resolve(ref)
        if not self._repository.reachable(commit):
            for entry in pointers.objects(self._repository.git, self._repository.tree(commit)):
                if not self._payloads.there(entry.digest):
                    raise Gone(f"the commit {ref!r} was swept: the bytes of {entry.path!r} are gone")
        return commit


def _reopen(root: Path, durable: bool) -> EmbeddedLake:
    return EmbeddedLake(root, durable=durable)
