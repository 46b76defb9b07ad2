"""Random sequences of operations against a lake that is a few dictionaries in memory."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from headwater.lake import Conflict, Denied, Exists, InvalidName, LakeError, NoChanges, NotFound
from headwater.lake.embedded import EmbeddedLake

Tree = dict[str, bytes]
PATHS = st.sampled_from(["a", "b", "d", "d/a", "d/b", "d/e/f", "a/x", "é"])
PREFIXES = st.sampled_from(["d/", "d/e/", "a/"])
BRANCHES = st.sampled_from(["main", "dev", "other", "run-1"])
TAGS = st.sampled_from(["v1", "v2"])
CONTENT = st.sampled_from([b"", b"1", b"2", b"3"])
REFS = st.one_of(BRANCHES, TAGS, st.integers(0, 30))
EDITS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), PATHS, CONTENT),
        st.tuples(st.just("delete"), PATHS, st.none()),
        st.tuples(st.just("adopt"), PREFIXES, REFS),
        st.tuples(st.just("folder"), PREFIXES, st.dictionaries(st.sampled_from(["p", "q", "s/t"]), CONTENT)),
    ),
    max_size=6,
)


class Model:
    """What a lake means: commits are (tree, parents), refs are numbers of commits."""

    def __init__(self) -> None:
        self.commits: list[tuple[Tree, tuple[int, ...], str]] = [({}, (), "Lake created")]
        self.branches = {"main": 0}
        self.tags: dict[str, int] = {}

    def resolve(self, ref: str | int) -> int:
        if isinstance(ref, int):
            return ref % len(self.commits)
        for names in (self.branches, self.tags):
            if ref in names:
                return names[ref]
        raise NotFound(ref)

    def head(self, branch: str) -> int:
        if branch not in self.branches:
            raise NotFound(branch)
        return self.branches[branch]

    def add(self, branch: str, tree: Tree, parents: tuple[int, ...], message: str) -> None:
        self.commits.append((tree, parents, message))
        self.branches[branch] = len(self.commits) - 1

    def create_branch(self, name: str, source: str | int) -> None:
        at = self.resolve(source)
        if name in self.branches:
            raise Exists(name)
        self.branches[name] = at

    def delete_branch(self, name: str) -> None:
        if name == "main":
            raise Denied(name)
        self.head(name)
        del self.branches[name]

    def tag(self, name: str, ref: str | int) -> None:
        at = self.resolve(ref)
        if name in self.tags:
            raise Exists(name)
        self.tags[name] = at

    def change(self, branch: str, edits: list[tuple[str, str, Any]], message: str) -> None:
        at = self.head(branch)
        before = self.commits[at][0]
        tree = dict(before)
        for verb, path, what in edits:
            if verb == "put":
                tree[path] = what
            elif verb == "delete":
                tree.pop(path, None)
            else:
                source = what if verb == "folder" else self.commits[self.resolve(what)][0]
                start = path if verb == "folder" else ""
                tree = {name: data for name, data in tree.items() if not name.startswith(path)}
                new = {start + name: data for name, data in source.items()}
                tree.update({name: data for name, data in new.items() if name.startswith(path)})
        if clashes(tree):
            raise InvalidName(str(clashes(tree)))
        if tree == before:
            raise NoChanges(branch)
        self.add(branch, tree, (at,), message)

    def merge(self, source: str | int, into: str, strategy: str | None, message: str) -> None:
        ours, theirs = self.head(into), self.resolve(source)
        if theirs in self.ancestors(ours):
            raise NoChanges(into)
        tree = self.merged(self.base(ours, theirs), self.commits[ours][0], self.commits[theirs][0], strategy)
        if tree == self.commits[ours][0]:
            raise NoChanges(into)
        self.add(into, tree, (ours, theirs), message)

    def revert(self, branch: str, ref: str | int) -> None:
        at, undone = self.head(branch), self.resolve(ref)
        tree, parents, _ = self.commits[undone]
        before = self.commits[parents[0]][0] if parents else {}
        found = self.merged(tree, self.commits[at][0], before, None)
        if found == self.commits[at][0]:
            raise NoChanges(branch)
        self.add(branch, found, (at,), "revert")

    def ancestors(self, start: int) -> set[int]:
        found, waiting = {start}, [start]
        while waiting:
            for parent in self.commits[waiting.pop()][1]:
                if parent not in found:
                    found.add(parent)
                    waiting.append(parent)
        return found

    def base(self, ours: int, theirs: int) -> Tree:
        common = self.ancestors(ours) & self.ancestors(theirs)
        last = [one for one in common if not any(one in self.ancestors(other) - {other} for other in common)]
        if len(last) > 1:
            # The order in which several are merged is Git's business: such histories are left out.
            raise Crossed
        return self.commits[last[0]][0]

    def merged(self, base: Tree, ours: Tree, theirs: Tree, strategy: str | None) -> Tree:
        result, conflicts = dict(ours), list[str]()
        for path in {*base, *theirs}:
            old, own, new = base.get(path), ours.get(path), theirs.get(path)
            if new in (old, own):
                continue
            if own != old and strategy is None:
                conflicts.append(path)
            elif own == old or strategy == "source-wins":
                result[path] = new  # type: ignore[assignment]
        result = {path: data for path, data in result.items() if data is not None}
        for file, inside in clashes(result):
            if strategy is None:
                conflicts += [file, *inside]
                continue
            file_is_theirs = file not in ours
            for path in inside if file_is_theirs == (strategy == "source-wins") else [file]:
                result.pop(path, None)
        if conflicts:
            raise Conflict(conflicts)
        return result


class Crossed(Exception):
    """The model does not say what a merge of crossed histories gives."""


def outcome(operation: Callable[[], Any]) -> Exception | None:
    """What an operation raised."""
    try:
        operation()
    except (LakeError, Crossed) as error:
        return error
    return None


def clashes(tree: Tree) -> list[tuple[str, list[str]]]:
    """Objects beside folders of their name."""
    found = [(path, [other for other in tree if other.startswith(path + "/")]) for path in sorted(tree)]
    return [(path, inside) for path, inside in found if inside]


class LakeMachine(RuleBasedStateMachine):
    """Does the same to both and compares."""

    @initialize()
    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.lake = EmbeddedLake(self.folder / "lake", durable=False)
        self.model = Model()
        self.ids = [self.lake.resolve("main")]
        self.numbers = itertools.count()

    def teardown(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def ref(self, ref: str | int) -> str:
        return self.ids[ref % len(self.ids)] if isinstance(ref, int) else ref

    def both(self, model: Callable[[], None], lake: Callable[[], Any], branch: str | None = None) -> None:
        expected = outcome(model)
        if isinstance(expected, Crossed):
            return
        found = outcome(lake)
        assert type(found) is type(expected), (expected, found)
        if isinstance(found, Conflict) and isinstance(expected, Conflict):
            assert found.paths == expected.paths
        if found is None and branch is not None:
            self.ids.append(self.lake.resolve(branch))

    @rule(branch=BRANCHES, edits=EDITS)
    def change(self, branch: str, edits: list[tuple[str, str, Any]]) -> None:
        message = f"change {next(self.numbers)}"

        def lake() -> None:
            with self.lake.change(branch, message, {"n": message}) as change:
                for verb, path, what in edits:
                    if verb == "put":
                        change.put(path, what)
                    elif verb == "delete":
                        change.delete(path)
                    elif verb == "adopt":
                        change.adopt(path, self.ref(what))
                    else:
                        change.put_folder(path, self.written(what), move=True)

        self.both(lambda: self.model.change(branch, edits, message), lake, branch)

    def written(self, files: Tree) -> Path:
        folder = self.folder / f"out-{next(self.numbers)}"
        folder.mkdir()
        for name, content in files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(content)
        return folder

    @rule(source=REFS, into=BRANCHES, strategy=st.sampled_from([None, None, "source-wins", "dest-wins"]))
    def merge(self, source: str | int, into: str, strategy: Any) -> None:
        message = f"merge {next(self.numbers)}"
        self.both(
            lambda: self.model.merge(source, into, strategy, message),
            lambda: self.lake.merge(self.ref(source), into, message, strategy=strategy),
            into,
        )

    @rule(branch=BRANCHES, ref=REFS)
    def revert(self, branch: str, ref: str | int) -> None:
        self.both(
            lambda: self.model.revert(branch, ref),
            lambda: self.lake.revert(branch, self.ref(ref)),
            branch,
        )

    @rule(name=BRANCHES, source=REFS)
    def create_branch(self, name: str, source: str | int) -> None:
        self.both(
            lambda: self.model.create_branch(name, source),
            lambda: self.lake.create_branch(name, self.ref(source)),
        )

    @rule(name=BRANCHES)
    def delete_branch(self, name: str) -> None:
        self.both(lambda: self.model.delete_branch(name), lambda: self.lake.delete_branch(name))

    @rule(name=TAGS, ref=REFS)
    def tag(self, name: str, ref: str | int) -> None:
        self.both(lambda: self.model.tag(name, ref), lambda: self.lake.tag(name, self.ref(ref)))

    @rule()
    def sweep(self) -> None:
        self.lake.sweep(older_than=timedelta(days=1), dry_run=False)

    @rule(left=st.integers(0, 30), right=st.integers(0, 30), prefix=st.sampled_from(["", "d/", "a", "x/"]))
    def diff(self, left: int, right: int, prefix: str) -> None:
        old, new = (self.model.commits[at % len(self.ids)][0] for at in (left, right))
        found = [(diff.path, diff.kind) for diff in self.lake.diff(self.ref(left), self.ref(right), prefix)]
        assert found == [
            (path, "added" if path not in old else "removed" if path not in new else "changed")
            for path in sorted({*old, *new})
            if path.startswith(prefix) and old.get(path) != new.get(path)
        ]

    @invariant()
    def same_refs(self) -> None:
        for kind, names in (("branch", self.model.branches), ("tag", self.model.tags)):
            assert self.lake.refs(kind) == {name: self.ids[names[name]] for name in sorted(names)}

    @invariant()
    def same_trees_and_logs(self) -> None:
        for name, at in self.model.branches.items():
            tree = self.model.commits[at][0]
            listed = list(self.lake.list(name))
            assert [entry.path for entry in listed] == sorted(tree)
            assert {entry.path: self.lake.fetch(name, entry.path).read_bytes() for entry in listed} == tree
            log = list(self.lake.log(name))
            assert {commit.id for commit in log} == {self.ids[one] for one in self.model.ancestors(at)}
            for commit in log:
                _, parents, message = self.model.commits[self.ids.index(commit.id)]
                assert commit.parents == tuple(self.ids[parent] for parent in parents)
                assert commit.message.lower().startswith(message.lower())


LakeMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestLakeMachine = LakeMachine.TestCase
