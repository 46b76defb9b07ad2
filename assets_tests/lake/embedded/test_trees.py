"""The structural merge and diff against libgit2's own, on random trees."""

from __future__ import annotations

from pathlib import Path

import pygit2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pygit2.enums import MergeFlag

from headwater.lake.embedded import trees

# No name is both an object and a folder: there, libgit2 decides by other rules.
PATHS = ["a", "b", "d/a", "d/b", "d/e/f", "d/e/g", "h/i"]
CONTENTS = st.dictionaries(st.sampled_from(PATHS), st.sampled_from([b"1", b"2", b"3"]))


@pytest.fixture(scope="module")
def git(tmp_path_factory: pytest.TempPathFactory) -> pygit2.Repository:
    return pygit2.init_repository(str(tmp_path_factory.mktemp("git")), bare=True)


def build(git: pygit2.Repository, files: dict[str, bytes]) -> trees.Tree:
    return trees.edit(git, None, {path: git.create_blob(content) for path, content in files.items()})


def content(git: pygit2.Repository, tree: trees.Tree) -> dict[str, bytes]:
    return {path: git.read(oid)[1] for path, oid in trees.walk(git, tree)}


@settings(max_examples=300, deadline=None)
@given(CONTENTS, CONTENTS, CONTENTS)
def test_merges_equal_those_of_libgit2(git: pygit2.Repository, base, ours, theirs) -> None:
    built = [build(git, files) for files in (base, ours, theirs)]
    merge = trees.Merge(git)
    merged = merge(*built)
    whole = [tree or git.TreeBuilder().write() for tree in built]
    expected = git.merge_trees(*whole, flags=MergeFlag(0))
    clashes = [next(side.path for side in sides if side) for sides in expected.conflicts or ()]
    assert sorted(merge.conflicts) == sorted(clashes)
    if not clashes:
        assert (merged or git.TreeBuilder().write()) == expected.write_tree(git)


@settings(max_examples=200, deadline=None)
@given(CONTENTS, CONTENTS)
def test_edits_and_diffs(git: pygit2.Repository, before, after) -> None:
    old, new = build(git, before), build(git, after)
    changes = {path: git.create_blob(after[path]) if path in after else None for path in {*before, *after}}
    assert trees.edit(git, old, changes) == new
    assert content(git, new) == after
    assert {(found.path, found.kind) for found in trees.diff(git, old, new)} == {
        (path, "added" if path not in before else "removed" if path not in after else "changed")
        for path in {*before, *after}
        if before.get(path) != after.get(path)
    }


@settings(max_examples=200, deadline=None)
@given(CONTENTS, CONTENTS, st.sampled_from(["d/", "d/e/", "x/y/"]))
def test_splices(git: pygit2.Repository, before, source, prefix) -> None:
    taken = trees.find(git, build(git, source), prefix)
    spliced = trees.splice(git, build(git, before), prefix, taken)
    assert content(git, spliced) == {
        **{path: data for path, data in before.items() if not path.startswith(prefix)},
        **{path: data for path, data in source.items() if path.startswith(prefix)},
    }
    assert spliced == build(git, content(git, spliced))


def test_find(git: pygit2.Repository, tmp_path: Path) -> None:
    tree = build(git, {"a": b"1", "d/e/f": b"2"})
    assert trees.find(git, tree, "a") is not None
    assert trees.find(git, tree, "d/e/") is not None
    for path in ("a/", "d", "d/e", "d/e/f/", "a/b", "x", "d/x/y"):
        assert trees.find(git, tree, path) is None
