"""Moving a lake with its history into a lakeFS repository.

Every commit that a branch or tag leads to is made again, parents first, with its message and metadata, and
bytes are sent once. Each copy carries the id of its original: a call after one that was cut short, or after
the source moved on, finds what is there and makes only what is missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from headwater.fingerprint import canonical_json
from headwater.lake.errors import Gone, LakeError, NoChanges, NotFound
from headwater.lake.history import History
from headwater.lake.lakefs.receiving import Edit, Known, Receiver, Sent
from headwater.lake.names import PROTECTED_BRANCHES
from headwater.lake.protocol import Commit, Lake, Object
from headwater.workspace import Progress, log_progress

if TYPE_CHECKING:
    from headwater.lake.lakefs import LakeFSLake

REPORTS = 10
"""Progress is told about so many times."""


@dataclass
class Copied:
    """What a copy did, or in a dry run would do.

    `commits` are those of the source and `made` those of them that were missing; `payloads` with `bytes` were
    sent, `shared` objects were copied or referred to on the server. `decided` are merges that lakeFS would
    have decided otherwise and that have an extra commit for their outcome. `lost` are objects whose bytes the
    source no longer has, as (commit, path): the copy lacks them. `checked` counts the refs that were found
    equal at the end.
    """

    dry_run: bool
    commits: int = 0
    made: int = 0
    payloads: int = 0
    bytes: int = 0
    shared: int = 0
    decided: list[str] = field(default_factory=list[str])
    lost: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    branches: dict[str, str] = field(default_factory=dict[str, str])
    tags: dict[str, str] = field(default_factory=dict[str, str])
    checked: int = 0


class Diverged(LakeError):
    """The target holds something else than a copy of the source: it is left as it is."""


def copy_lake(
    source: Lake, target: LakeFSLake, *, dry_run: bool = False, progress: Progress = log_progress
) -> Copied:
    """Bring everything that the branches and tags of `source` lead to into `target`, and compare both.

    The target is an empty repository, or one that was filled by an earlier call and did not change since.
    Branches that the source no longer has stay there. What happens to the source meanwhile is left to the
    next call. Raises `Diverged` before anything is written when the target changed, or at the end when
    something is not the same; and `Damaged` for bytes that rotted in the source.
    """
    return _Copy(source, target, dry_run, progress).run()


class _Copy:
    def __init__(self, source: Lake, target: LakeFSLake, dry_run: bool, progress: Progress) -> None:
        self.source, self.target, self.progress = source, target, progress
        self.receiver: Receiver = target.receiver()
        self.history = History(source)
        self.result = Copied(dry_run, commits=len(self.history.commits))
        self.table: dict[str, str] = {}
        # Where the bytes of each distinct object are in the target, and which the source itself lacks.
        self.known: dict[str, tuple[str, str]] = {}
        self.gone: set[str] = set()

    def run(self) -> Copied:
        self.table = self.receiver.received()
        self._check_target()
        every = max(1, len(self.history.commits) // REPORTS)
        for number, commit in enumerate(self.history.commits.values(), 1):
            self._copy(commit)
            if number % every == 0 or number == len(self.history.commits):
                self.progress("commits in the copy", number, len(self.history.commits))
        for name, commit in self.history.branches.items():
            self.result.branches[name] = self.table.get(commit, "")
        for name, commit in self.history.tags.items():
            self.result.tags[name] = self.table.get(commit, "")
        if not self.result.dry_run:
            for name, commit in self.result.branches.items():
                self._place(name, commit)
            self.receiver.finish(self.table)
            self._compare()
        return self.result

    def _check_target(self) -> None:
        root = self.receiver.root()
        self.table.setdefault(self.history.root, root)
        if self.table[self.history.root] != root:
            raise Diverged("the target is the copy of another lake: copy into a new repository")
        for branch in self.history.branches:
            self._check_branch(branch)

    def _check_branch(self, branch: str) -> str | None:
        """The commit of a branch of the target, if it is there: a copy of what the source's comes from."""
        there = self.receiver.head(branch)
        line = self.history.line(self.history.branches[branch])
        if there is not None and there not in {self.table.get(commit) for commit in line}:
            raise Diverged(
                f"the branch {branch!r} of the target stands at {there}, which is not a copy of what the "
                "source's branch of that name comes from: copy into a new repository"
            )
        return there

    def _place(self, branch: str, commit: str) -> None:
        """Bring a branch of the target to a commit of its line."""
        if self.receiver.head(branch) == commit:
            return
        there = self._check_branch(branch)
        if there is not None and branch in PROTECTED_BRANCHES:
            raise Diverged(f"the branch {branch!r} of the target stands at {there} instead of {commit}")
        self.receiver.place(branch, commit)

    def _copy(self, commit: Commit) -> None:
        made = self.table.get(commit.id)
        if made is None:
            self.result.made += 1
            made = self._make(commit)
            self.table[commit.id] = made
        elif commit.id != self.history.root:
            for entry in self._brought(commit):
                if _key(entry) not in self.known and self._file(commit.id, entry) is not None:
                    self.known[_key(entry)] = (made, entry.path)
        if not self.result.dry_run:
            for name in self.history.tagged(commit.id):
                self.receiver.tag(name, made)

    def _make(self, commit: Commit) -> str:
        parents = commit.parents or (self.history.root,)
        branch = self.history.owner(commit.id)
        if self.result.dry_run:
            self._edit(commit, list(self._brought(commit)), [])
            return ""
        parent = self.table[parents[0]]
        if branch is not None:
            self._place(branch, parent)
        if len(parents) == 2:
            return self._merge(commit, parent, branch)
        changes = list(self.source.diff(parents[0], commit.id))
        entries = [self.source.stat(commit.id, item.path) for item in changes if item.kind != "removed"]
        edit = self._edit(commit, entries, [item.path for item in changes if item.kind == "removed"])
        made = self.receiver.commit(commit, parent, edit, branch)
        for item in edit.sent:
            self.known[_key(item.entry)] = (made, item.entry.path)
        return made

    def _merge(self, commit: Commit, parent: str, branch: str | None) -> str:
        """A merge is lakeFS's own where that comes to the same, which is looked at before."""
        ours, theirs = commit.parents
        source = self.table[theirs]
        foreseen = self.receiver.foresee(parent, source)
        changed = {item.path for item in self.source.diff(ours, commit.id)}
        changed = {path for path in changed if not self._is_gone(self._at(commit.id, path))}
        same = all(self._at(theirs, path) == self._at(commit.id, path) for path in changed)
        try:
            if not foreseen.conflicts and changed == set(foreseen.taken) and same:
                return self.receiver.merge(commit, parent, source, branch)
            taken = foreseen.taken | foreseen.conflicts
            outcome = {path: self._at(commit.id, path) for path in sorted(changed | taken)}
            wrong = {
                path: entry
                for path, entry in outcome.items()
                if entry != self._at(theirs if path in taken else ours, path)
            }
            edit = self._edit(
                commit,
                [entry for entry in wrong.values() if entry is not None],
                [path for path, entry in wrong.items() if entry is None],
            )
            self.result.decided.append(commit.id)
            return self.receiver.merge(commit, parent, source, branch, edit)
        except NoChanges:
            # What it brought was erased since.
            return parent

    def _edit(self, commit: Commit, entries: list[Object], removed: list[str]) -> Edit:
        sent: list[Sent] = []
        known: list[Known] = []
        fresh: dict[str, str] = {}
        for entry in entries:
            key = _key(entry)
            if key in self.known:
                known.append(Known(entry, *self.known[key]))
            elif key in fresh:
                known.append(Known(entry, "", fresh[key]))
            elif (file := self._file(commit.id, entry)) is not None:
                sent.append(Sent(entry, file))
                fresh[key] = entry.path
            else:
                self.result.lost.append((commit.id, entry.path))
        self.result.payloads += len(sent)
        self.result.bytes += sum(item.entry.size for item in sent)
        self.result.shared += len(known)
        if self.result.dry_run:
            self.known.update({key: ("", path) for key, path in fresh.items()})
        return Edit(sent, known, removed, self._taken_over(commit, known))

    def _taken_over(self, commit: Commit, known: list[Known]) -> str | None:
        """The commit that the metadata names and that has most of what is known at the same paths."""
        best: tuple[int, str] = (0, "")
        for value in sorted({value for value in commit.metadata.values() if value in self.table}):
            count = sum(self._at(value, item.entry.path) == item.entry for item in known)
            best = max(best, (count, value))
        return self.table[best[1]] if best[0] == len(known) > 0 else None

    def _brought(self, commit: Commit) -> Iterator[Object]:
        """What a commit brought that none of its parents had there."""
        if len(commit.parents) == 1:
            for item in self.source.diff(commit.parents[0], commit.id):
                if item.kind != "removed":
                    yield self.source.stat(commit.id, item.path)

    def _file(self, commit: str, entry: Object) -> Path | None:
        """The object's bytes, or `None` when they were erased or swept."""
        try:
            return self.source.fetch(commit, entry.path)
        except Gone:
            self.gone.add(_key(entry))
            return None

    def _is_gone(self, entry: Object | None) -> bool:
        return entry is not None and _key(entry) in self.gone

    def _at(self, commit: str, path: str) -> Object | None:
        try:
            return self.source.stat(commit, path)
        except NotFound:
            return None

    def _compare(self) -> None:
        """Every branch and tag by path, digest, size and metadata."""
        pairs = {
            **{self.history.branches[name]: commit for name, commit in self.result.branches.items()},
            **{self.history.tags[name]: commit for name, commit in self.result.tags.items()},
        }
        for original, made in pairs.items():
            there = {entry.path: entry for entry in self.target.list(made)}
            for entry in self.source.list(original):
                found = there.pop(entry.path, None)
                if found != entry and (found is not None or self._file(original, entry) is not None):
                    raise Diverged(f"{entry.path!r} at {made} is not what the source has at {original}")
            if there:
                raise Diverged(f"{min(there)!r} at {made} is not in the source at {original}")
        for name, commit in self.result.branches.items():
            if self.target.resolve(name) != commit:
                raise Diverged(f"somebody moved the branch {name!r} of the target during the copy")
        self.result.checked = len(self.result.branches) + len(self.result.tags)


def _key(entry: Object) -> str:
    """Objects are stored with their metadata: only those that share both share bytes."""
    metadata: Mapping[str, str] = entry.metadata
    return f"{entry.digest} {entry.size} {canonical_json(dict(metadata))}"
