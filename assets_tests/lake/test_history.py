"""Log, diff, revert, and reading old versions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from headwater.lake import Conflict, Lake, NoChanges, NotFound


def messages(lake: Lake, ref: str, **options) -> list[str]:
    return [commit.message for commit in lake.log(ref, **options)]


@pytest.fixture
def history(lake: Lake, write) -> Lake:
    """main: one, two, [three on dev], merge, four."""
    write("main", {"p/a": b"1", "q/a": b"1"}, "one")
    lake.create_branch("dev")
    write("main", {"p/b": b"2"}, "two")
    write("dev", {"q/deep/c": b"3"}, "three")
    lake.merge("dev", "main", "merge")
    write("main", {"p/a": None, "pq": b"4"}, "four")
    return lake


def test_log_from_the_head_to_the_root(history: Lake) -> None:
    found = messages(history, "main")
    assert found[:2] == ["four", "merge"]
    assert set(found[2:4]) == {"two", "three"}
    assert found[4] == "one"
    assert len(found) == 6
    commits = list(history.log("main"))
    assert commits[0].id == history.resolve("main")
    assert commits[-1].parents == ()
    order = {commit.id: index for index, commit in enumerate(commits)}
    assert all(order[parent] > order[commit.id] for commit in commits for parent in commit.parents)
    now = datetime.now(UTC)
    assert all(now - timedelta(minutes=5) < commit.time <= now for commit in commits)


def test_log_limit_and_prefix(history: Lake) -> None:
    assert messages(history, "main", limit=2) == ["four", "merge"]
    assert messages(history, "main", limit=0) == []
    assert messages(history, "main", prefix="p/") == ["four", "two", "one"]
    assert messages(history, "main", prefix="p") == ["four", "two", "one"]
    assert messages(history, "main", prefix="p/b") == ["two"]
    assert messages(history, "main", prefix="q/") == ["merge", "three", "one"]
    assert messages(history, "main", prefix="q/deep/c") == ["merge", "three"]
    assert messages(history, "main", prefix="q/", limit=1) == ["merge"]
    assert messages(history, "main", prefix="nothing/at/all") == []


def test_diff(history: Lake) -> None:
    def diff(left: str, right: str, prefix: str = "") -> list[tuple[str, str]]:
        return [(found.path, found.kind) for found in history.diff(left, right, prefix)]

    assert diff("dev", "main") == [("p/a", "removed"), ("p/b", "added"), ("pq", "added")]
    assert diff("main", "dev") == [("p/a", "added"), ("p/b", "removed"), ("pq", "removed")]
    assert diff("dev", "main", "p/") == [("p/a", "removed"), ("p/b", "added")]
    assert diff("dev", "main", "p/b") == [("p/b", "added")]
    assert diff("dev", "main", "q/") == diff("main", "main") == []
    with pytest.raises(NotFound):
        history.diff("main", "nowhere")


def test_diff_of_objects_that_became_folders(lake: Lake, write) -> None:
    first = write("main", {"a": b"1", "b/c": b"2", "a.x": b"3"}).id
    second = write("main", {"a": None, "a/b": b"1", "b/c": None, "b": b"2"}).id
    assert [(found.path, found.kind) for found in lake.diff(first, second)] == [
        ("a", "removed"),
        ("a/b", "added"),
        ("b", "added"),
        ("b/c", "removed"),
    ]


def test_old_versions_stay_readable(lake: Lake, write, read) -> None:
    lake.create_branch("dev")
    versions = {write("dev", {"a": b"%d" % n, f"f/{n}": b"x"}).id: n for n in range(5)}
    lake.delete_branch("dev")
    for commit, number in versions.items():
        assert read(commit)["a"] == b"%d" % number
        assert len(read(commit, "f/")) == number + 1


def test_revert_of_a_plain_commit(lake: Lake, write, read) -> None:
    write("main", {"a": b"1", "b": b"1"})
    undone = write("main", {"a": b"2", "b": None, "c": b"2"}, "a mistake").id
    write("main", {"d": b"3"})
    made = lake.revert("main", undone, {"reason": "mistake"})
    assert read("main") == {"a": b"1", "b": b"1", "d": b"3"}
    commit = next(lake.log("main"))
    assert (commit.id, commit.metadata) == (made, {"reason": "mistake"})
    assert undone in commit.message
    with pytest.raises(NoChanges):
        lake.revert("main", undone)


def test_revert_of_a_merge_and_merging_again(lake: Lake, write, read) -> None:
    lake.create_branch("dev")
    write("dev", {"d": b"1"})
    write("main", {"m": b"2"})
    merged = lake.merge("dev", "main", "merge")
    lake.revert("main", merged)
    assert read("main") == {"m": b"2"}
    with pytest.raises(NoChanges):
        lake.merge("dev", "main", "again")
    lake.revert("main", lake.resolve("main"))
    assert read("main") == {"d": b"1", "m": b"2"}


def test_revert_that_conflicts(lake: Lake, write, read) -> None:
    undone = write("main", {"a": b"1", "b": b"1"}).id
    write("main", {"a": b"2"})
    head = lake.resolve("main")
    with pytest.raises(Conflict) as caught:
        lake.revert("main", undone)
    assert caught.value.paths == ("a",)
    assert (lake.resolve("main"), read("main")) == (head, {"a": b"2", "b": b"1"})


def test_revert_of_the_first_commit_or_the_unknown(lake: Lake) -> None:
    with pytest.raises(NoChanges):
        lake.revert("main", "main")
    for branch, ref in (("main", "nowhere"), ("nowhere", "main")):
        with pytest.raises(NotFound):
            lake.revert(branch, ref)
