"""Making commits of another lake again, with lakeFS's public API: one commit here for each there.

What that API cannot keep: ids and times (both stand in the metadata of the copy), and a merge whose outcome
is not the one that lakeFS comes to by itself. That becomes a merge with a commit which holds the outcome and
which comes after a merge of both sides.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from headwater.lake.errors import LakeError, NoChanges, NotFound
from headwater.lake.lakefs import copies, merging
from headwater.lake.lakefs.adopting import graft
from headwater.lake.lakefs.control import Control
from headwater.lake.lakefs.data import PART_BYTES, Data
from headwater.lake.lakefs.metadata import copied_metadata, object_headers
from headwater.lake.lakefs.transaction import begin, end, transaction
from headwater.lake.protocol import Commit, Object

THREADS = 8
LINE = "copy"
"""In the names of hidden branches: they belong to no branch."""


@dataclass(frozen=True)
class Sent:
    """An object whose bytes are taken from `file`."""

    entry: Object
    file: Path


@dataclass(frozen=True)
class Known:
    """An object whose bytes are here already: at a path of a commit."""

    entry: Object
    commit: str
    path: str


@dataclass(frozen=True)
class Edit:
    """How a commit differs from another; `taken_over` names a commit from which much of `known` may come."""

    sent: Sequence[Sent] = ()
    known: Sequence[Known] = ()
    removed: Sequence[str] = ()
    taken_over: str | None = None


@dataclass(frozen=True)
class Merged:
    """What lakeFS makes of two sides by itself: paths that it takes from the source, and conflicts."""

    taken: frozenset[str]
    conflicts: frozenset[str]


class Receiver:
    """The receiving end of a copy. For one thread of one process."""

    def __init__(self, control: Control, data: Data, location: str) -> None:
        self._control = control
        self._data = data
        self._location = location
        # Hidden branches of lines that no branch owns, by the commit at which they stand.
        self._open: dict[str, str] = {}

    def received(self) -> dict[str, str]:
        """Original and copy of every commit that came here before."""
        return copies.read_published(self._control, self._data) | copies.found_in_history(self._control)

    def root(self) -> str:
        """The empty first commit. Raises `LakeError` unless this is an empty repository or a copy."""
        last: str | None = None
        for item in self._control.log("main"):
            last = str(item["id"])
        if last is None or any(self._control.objects(last, amount=1)):
            raise LakeError(
                f"{self._location} does not begin with an empty commit: copy into a new repository"
            )
        return last

    def head(self, branch: str) -> str | None:
        """The commit of a branch, or `None`."""
        try:
            return self._control.branch(branch)
        except NotFound:
            return None

    def tag(self, name: str, commit: str) -> None:
        """Create a tag unless it is there. Raises `LakeError` when it names another commit."""
        try:
            there = self._control.tag(name)
        except NotFound:
            return self._control.create_tag(name, commit)
        if there != commit:
            raise LakeError(
                f"the tag {name!r} of {self._location} names {there} instead of {commit}: copy into a new "
                "repository"
            )
        return None

    def place(self, branch: str, commit: str) -> None:
        """Make a branch, which may be elsewhere, stand at a commit: lakeFS moves none, so it is made anew."""
        there = self.head(branch)
        if there is not None and there != commit:
            self._control.delete_branch(branch)
        if there != commit:
            self._control.create_branch(branch, commit)

    def commit(self, commit: Commit, parent: str, edit: Edit, branch: str | None) -> str:
        """Make a commit with one parent, at which `branch` stands if one owns the line.

        Returns the parent where nothing differs.
        """
        if branch is None:
            with self._line(parent) as line:
                return self._write(line, commit.message, copied_metadata(commit), edit)
        with transaction(self._control, branch, parent) as draft:
            if edit.taken_over is not None:
                edit = self._take_over(draft, branch, edit)
            made = self._write(draft, commit.message, {}, edit)
            if made == parent:
                return parent
            return merging.merge_now(
                self._control, made, branch, commit.message, copied_metadata(commit), None, squash=True
            )

    def foresee(self, parent: str, source: str) -> Merged:
        """What a merge of `source` into `parent` would do."""
        kinds = {
            str(item["path"]): str(item["type"]) for item in self._control.diff(parent, source, "three_dot")
        }
        conflicts = frozenset(path for path, kind in kinds.items() if kind == "conflict")
        return Merged(frozenset(kinds) - conflicts, conflicts)

    def merge(
        self, commit: Commit, parent: str, source: str, branch: str | None, outcome: Edit | None = None
    ) -> str:
        """Make a merge; `outcome` tells how it differs from one in which the source wins every conflict."""
        if outcome is None:
            return self._merge(source, parent, branch, commit)
        with transaction(self._control, branch or LINE, parent) as draft:
            # Where lakeFS sees nothing to merge, the outcome alone says it all.
            with suppress(NoChanges):
                merging.merge_now(
                    self._control, source, draft, f"Both sides of: {commit.message}", {}, "source-wins",
                    squash=False,
                )  # fmt: skip
            decided = self._write(draft, f"Outcome of: {commit.message}", {}, outcome)
            return self._merge(decided, parent, branch, commit)

    def finish(self, table: Mapping[str, str]) -> None:
        """Keep the table of copies, and remove the hidden branches, which everything is reachable without."""
        copies.publish(self._control, self._data, table, self.root())
        for line in self._open.values():
            end(self._control, line)
        self._open.clear()

    def _merge(self, source: str, parent: str, branch: str | None, commit: Commit) -> str:
        with nullcontext(branch) if branch else self._line(parent) as into:
            made = merging.merge_now(
                self._control, source, into, commit.message, copied_metadata(commit), None, squash=False
            )
        if source in self._open:
            end(self._control, self._open.pop(source))
        return made

    @contextmanager
    def _line(self, parent: str) -> Generator[str]:
        """A hidden branch at `parent`, kept until what is on it was merged."""
        line = self._open.pop(parent, None) or begin(self._control, LINE, parent)
        yield line
        self._open[self._control.branch(line)] = line

    def _take_over(self, draft: str, branch: str, edit: Edit) -> Edit:
        known = [item for item in edit.known if item.path == item.entry.path]
        paths = {item.entry.path for item in known}
        if edit.taken_over is None or not graft(self._control, draft, branch, edit.taken_over, paths):
            return edit
        return Edit(edit.sent, [item for item in edit.known if item.entry.path not in paths], edit.removed)

    def _write(self, branch: str, message: str, metadata: Mapping[str, str], edit: Edit) -> str:
        self._control.delete(branch, list(edit.removed))
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(lambda item: self._send(branch, item), edit.sent))
            list(pool.map(lambda item: self._refer(branch, item), edit.known))
        if not (edit.sent or edit.known or edit.removed):
            return self._control.branch(branch)
        return merging.commit_now(self._control, branch, message, metadata)

    def _send(self, branch: str, item: Sent) -> None:
        content = item.file.read_bytes() if item.entry.size <= PART_BYTES else item.file
        headers = object_headers(item.entry.digest, item.entry.metadata)
        self._data.send(branch, item.entry.path, content, headers)

    def _refer(self, branch: str, item: Known) -> None:
        self._control.copy(branch, item.entry.path, item.commit or branch, item.path)
