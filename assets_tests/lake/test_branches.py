"""Branches, tags and what a ref means."""

from __future__ import annotations

import pytest

from headwater.lake import Denied, Exists, Lake, NotFound


def test_a_new_lake_has_an_empty_main(lake: Lake, read) -> None:
    assert lake.refs("branch") == {"main": lake.resolve("main")}
    assert lake.refs("tag") == {}
    assert read("main") == {}
    assert len(list(lake.log("main"))) == 1


def test_branches_are_isolated_both_ways(lake: Lake, write, read) -> None:
    write("main", {"a": b"1"})
    assert lake.create_branch("dev") == lake.resolve("main") == lake.resolve("dev")
    write("dev", {"a": b"2", "d": b"3"})
    write("main", {"m": b"4"})
    assert read("dev") == {"a": b"2", "d": b"3"}
    assert read("main") == {"a": b"1", "m": b"4"}


def test_branches_start_at_any_ref(lake: Lake, write) -> None:
    first = write("main", {"a": b"1"}).id
    lake.tag("v1", first)
    write("main", {"a": b"2"})
    lake.create_branch("from-id", first)
    lake.create_branch("from-tag", "v1")
    lake.create_branch("from-branch", "from-tag")
    assert {lake.resolve(name) for name in ("from-id", "from-tag", "from-branch")} == {first}


def test_creating_what_exists_or_from_nowhere(lake: Lake, write) -> None:
    lake.create_branch("dev")
    write("main", {"a": b"1"})
    for source in ("main", "dev"):
        with pytest.raises(Exists):
            lake.create_branch("dev", source)
    with pytest.raises(NotFound):
        lake.create_branch("new", "nowhere")
    assert list(lake.refs("branch")) == ["dev", "main"]


def test_deleting_branches(lake: Lake, write, read) -> None:
    lake.create_branch("dev")
    made = write("dev", {"a": b"1"})
    lake.tag("kept", "dev")
    lake.delete_branch("dev")
    with pytest.raises(NotFound):
        lake.delete_branch("dev")
    with pytest.raises(NotFound):
        lake.resolve("dev")
    assert read(made.id) == read("kept") == {"a": b"1"}
    assert next(lake.log(made.id)) == made
    lake.create_branch("dev", made.id)
    assert read("dev") == {"a": b"1"}


def test_main_and_production_stay(lake: Lake) -> None:
    lake.create_branch("production")
    for name in ("main", "production"):
        with pytest.raises(Denied):
            lake.delete_branch(name)
    assert list(lake.refs("branch")) == ["main", "production"]


def test_tags_never_move(lake: Lake, write) -> None:
    first = write("main", {"a": b"1"}).id
    assert lake.tag("v1", "main") == first
    write("main", {"a": b"2"})
    for ref in ("main", first):
        with pytest.raises(Exists):
            lake.tag("v1", ref)
    with pytest.raises(NotFound):
        lake.tag("v2", "nowhere")
    assert lake.refs("tag") == {"v1": first}


def test_a_branch_wins_over_a_tag_of_its_name(lake: Lake, write) -> None:
    tagged = write("main", {"a": b"1"}).id
    lake.tag("dev", tagged)
    write("main", {"a": b"2"})
    lake.create_branch("dev")
    assert lake.resolve("dev") == lake.resolve("main") != tagged
    lake.delete_branch("dev")
    assert lake.resolve("dev") == tagged


def test_refs_by_prefix_in_order(lake: Lake) -> None:
    for name in ("run-b", "dev", "run-a", "run"):
        lake.create_branch(name)
        lake.tag(f"t-{name}", "main")
    assert list(lake.refs("branch")) == ["dev", "main", "run", "run-a", "run-b"]
    assert list(lake.refs("branch", "run-")) == ["run-a", "run-b"]
    assert list(lake.refs("tag", "t-r")) == ["t-run", "t-run-a", "t-run-b"]
    assert lake.refs("branch", "x") == {}


@pytest.mark.parametrize(
    "ref",
    [
        "",
        "nowhere",
        "main~1",
        "main^",
        "main@{1}",
        "refs/heads/main",
        "f" * 40,
        "f" * 64,
        "HEAD",
        "a b",
        "a\0",
    ],
)
def test_what_is_no_ref(lake: Lake, ref: str) -> None:
    for use in (lake.resolve, lake.log, lake.list, lambda ref: lake.diff("main", ref)):
        with pytest.raises(NotFound):
            use(ref)


def test_a_shortened_commit_id_is_no_ref(lake: Lake) -> None:
    with pytest.raises(NotFound):
        lake.resolve(lake.resolve("main")[:12])
