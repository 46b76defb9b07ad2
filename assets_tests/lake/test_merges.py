"""The three-way merge: by whole objects, on presence and identity."""

from __future__ import annotations

import pytest

from headwater.lake import Conflict, Lake, NoChanges, NotFound

A, B, C = b"A", b"B", b"C"
CLASH = "conflict"

# What one path holds in (base, target, source) and after the merge of source into target; None: not there.
TABLE = [
    (A, A, A, A),
    (A, A, B, B),
    (A, B, A, B),
    (A, B, B, B),
    (A, B, C, CLASH),
    (A, A, None, None),
    (A, None, A, None),
    (A, None, None, None),
    (A, B, None, CLASH),
    (A, None, B, CLASH),
    (None, None, A, A),
    (None, A, None, A),
    (None, A, A, A),
    (None, A, B, CLASH),
]


def name(case) -> str:
    return "-".join(
        "none" if side is None else side if isinstance(side, str) else side.decode() for side in case
    )


@pytest.fixture
def diverge(lake: Lake, write):
    """Make `base` on main, branch `dev`, then what `target` and `source` differ in; each side also gets an
    object of its own, so that there is always something to commit and to merge."""

    def diverge(base, target, source) -> None:
        write("main", {**{path: content for path, content in base.items() if content}, "base": b"0"})
        lake.create_branch("dev")
        write("main", {**target, "target": b"1"})
        write("dev", {**source, "source": b"2"})

    return diverge


@pytest.mark.parametrize("case", TABLE, ids=name)
@pytest.mark.parametrize("strategy", [None, "source-wins", "dest-wins"])
def test_the_merge_table(lake: Lake, diverge, read, case, strategy) -> None:
    base, target, source, expected = case
    diverge({"p/x": base}, {"p/x": target}, {"p/x": source})
    before = lake.resolve("main")
    if expected == CLASH and strategy is None:
        with pytest.raises(Conflict) as caught:
            lake.merge("dev", "main", "merge")
        assert caught.value.paths == ("p/x",)
        assert "p/x" in str(caught.value)
        assert lake.resolve("main") == before
        return
    if expected == CLASH:
        expected = source if strategy == "source-wins" else target
    lake.merge("dev", "main", "merge", strategy=strategy)
    kept = {} if expected is None else {"p/x": expected}
    assert read("main") == {**kept, "base": b"0", "target": b"1", "source": b"2"}
    assert lake.resolve("dev") != lake.resolve("main")


def test_a_merge_commit(lake: Lake, diverge) -> None:
    diverge({}, {}, {})
    ours, theirs = lake.resolve("main"), lake.resolve("dev")
    made = lake.merge("dev", "main", "a merge\nof two", {"checks": "{}"})
    assert made == lake.resolve("main")
    commit = next(lake.log("main"))
    assert (commit.id, commit.message, commit.metadata) == (made, "a merge\nof two", {"checks": "{}"})
    assert commit.parents == (ours, theirs)
    assert lake.resolve("dev") == theirs


def test_a_merge_always_makes_a_commit(lake: Lake, write) -> None:
    lake.create_branch("dev")
    head = lake.resolve("main")
    tip = write("dev", {"a": b"1"}).id
    lake.merge("dev", "main", "not a fast-forward", {"k": "v"})
    assert next(lake.log("main")).parents == (head, tip)


def test_conflicts_are_named_exactly_and_change_nothing(lake: Lake, diverge, read) -> None:
    diverge(
        {"a": A, "d/b": A, "d/c": A, "e": A},
        {"a": B, "d/b": None, "d/c": B, "new": B, "fine": B},
        {"a": C, "d/b": C, "e": C, "new": C},
    )
    head, content = lake.resolve("main"), read("main")
    with pytest.raises(Conflict) as caught:
        lake.merge("dev", "main", "merge")
    assert caught.value.paths == ("a", "d/b", "new")
    assert (lake.resolve("main"), read("main")) == (head, content)


@pytest.mark.parametrize("strategy", [None, "source-wins", "dest-wins"])
@pytest.mark.parametrize("file_side", ["main", "dev"])
def test_an_object_against_a_folder_of_its_name(lake: Lake, diverge, read, strategy, file_side) -> None:
    file, folder = {"x": A}, {"x/a": B, "x/b/c": B}
    diverge({}, *((file, folder) if file_side == "main" else (folder, file)))
    if strategy is None:
        with pytest.raises(Conflict) as caught:
            lake.merge("dev", "main", "merge")
        assert caught.value.paths == ("x", "x/a", "x/b/c")
        return
    lake.merge("dev", "main", "merge", strategy=strategy)
    file_wins = (file_side == "dev") == (strategy == "source-wins")
    assert read("main", "x") == (file if file_wins else folder)


def test_an_object_that_became_a_folder(lake: Lake, diverge, read) -> None:
    diverge({"x": A}, {}, {"x": None, "x/a": B})
    lake.merge("dev", "main", "merge")
    assert read("main", "x") == {"x/a": B}


def test_metadata_takes_part(lake: Lake, write) -> None:
    write("main", {"a": A})
    lake.create_branch("dev")
    for branch in ("main", "dev"):
        with lake.change(branch, "x") as change:
            change.put("a", A, {"side": branch})
    with pytest.raises(Conflict):
        lake.merge("dev", "main", "merge")


def test_size_and_digest_are_never_mixed(lake: Lake, write) -> None:
    write("main", {"a": b"one"})
    lake.create_branch("dev")
    write("main", {"a": b"two"})
    write("dev", {"a": b"three"})
    with pytest.raises(Conflict):
        lake.merge("dev", "main", "merge")


def test_a_rename_meets_a_modification(lake: Lake, diverge) -> None:
    content = b"the same content " * 50
    diverge({"old": content}, {"old": content + b"!"}, {"old": None, "new": content})
    with pytest.raises(Conflict) as caught:
        lake.merge("dev", "main", "merge")
    assert caught.value.paths == ("old",)


def test_merging_twice_and_merging_an_ancestor(lake: Lake, diverge) -> None:
    diverge({}, {}, {})
    lake.merge("dev", "main", "merge")
    head = lake.resolve("main")
    for source in ("dev", "main", head, next(lake.log("dev")).parents[0]):
        with pytest.raises(NoChanges):
            lake.merge(source, "main", "again")
    assert lake.resolve("main") == head


def test_merging_what_the_target_has_already(lake: Lake, write) -> None:
    lake.create_branch("dev")
    write("main", {"a": A})
    write("dev", {"a": A})
    with pytest.raises(NoChanges):
        lake.merge("dev", "main", "merge")


def test_a_stale_base_and_a_second_merge(lake: Lake, diverge, write, read) -> None:
    diverge({}, {}, {})
    for number in range(3):
        write("main", {f"m/{number}": A})
    lake.merge("dev", "main", "first")
    write("dev", {"source": b"3", "more": B})
    lake.merge("dev", "main", "second")
    assert read("main")["source"] == b"3"
    assert len(read("main")) == 7


def test_criss_cross_merges_lose_nothing(lake: Lake, write, read) -> None:
    write("main", {"x": b"old", "y": b"old"})
    lake.create_branch("dev")
    on_main = write("main", {"x": b"new"}).id
    on_dev = write("dev", {"y": b"new"}).id
    lake.merge(on_dev, "main", "dev into main")
    lake.merge(on_main, "dev", "main into dev")
    write("dev", {"x": b"old"})
    write("main", {"z": b"1"})
    # Seen from the last common commit of dev alone, nobody would have taken x back.
    lake.merge("dev", "main", "merge")
    assert read("main") == {"x": b"old", "y": b"new", "z": b"1"}


def test_criss_cross_merges_that_disagreed(lake: Lake, write, read) -> None:
    write("main", {"x": b"0"})
    lake.create_branch("dev")
    on_main = write("main", {"x": b"1", "m": b"m"}).id
    on_dev = write("dev", {"x": b"2", "d": b"d"}).id
    lake.merge(on_dev, "main", "m", strategy="dest-wins")
    lake.merge(on_main, "dev", "m", strategy="dest-wins")
    write("dev", {"more": b"3"})
    # Each side decided for its own: neither decision may quietly win over the other.
    with pytest.raises(Conflict) as caught:
        lake.merge("dev", "main", "m")
    assert caught.value.paths == ("x",)
    lake.merge("dev", "main", "m", strategy="source-wins")
    assert read("main") == {"x": b"2", "m": b"m", "d": b"d", "more": b"3"}


def test_merging_what_does_not_exist(lake: Lake) -> None:
    lake.create_branch("dev")
    for source, into in (
        ("nowhere", "main"),
        ("dev", "nowhere"),
        ("dev", lake.resolve("main")),
        ("dev", "../x"),
    ):
        with pytest.raises(NotFound):
            lake.merge(source, into, "merge")


def test_merging_tags_and_commits(lake: Lake, write, read) -> None:
    lake.create_branch("dev")
    tagged = write("dev", {"a": A}).id
    lake.tag("v1", tagged)
    last = write("dev", {"b": B}).id
    lake.merge("v1", "main", "a tag")
    assert read("main") == {"a": A}
    lake.merge(last, "main", "a commit")
    assert read("main") == {"a": A, "b": B}
