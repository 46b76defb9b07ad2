"""Folders are taken over by reference where lakeFS can do it, and copied where it cannot: all the same."""

from __future__ import annotations

import pytest

from headwater.lake.lakefs import LakeFSLake

FILES = {f"p/{number:02}": b"%d" % number for number in range(20)}


@pytest.fixture
def released(lake: LakeFSLake, write) -> LakeFSLake:
    """Three releases of `p/` on `production`, beside two of `q/`."""
    lake.create_branch("production")
    for number in range(3):
        write(
            "main",
            {path: b"%d of " % number + content for path, content in FILES.items()} | {"x": b"%d" % number},
        )
        release(lake, "p/", "main")
        write("main", {f"q/{part}": b"%d" % number for part in range(9)})
        if number:
            release(lake, "q/", "main")
    return lake


def release(lake: LakeFSLake, prefix: str, ref: str) -> str:
    with lake.change("production", f"{prefix} as at {ref}") as change:
        change.adopt(prefix, ref)
    assert change.commit is not None
    assert len(change.commit.parents) == 1
    return change.commit.id


@pytest.fixture
def no_copies(double):
    """lakeFS copies no object."""

    def forbid() -> None:
        double.faults({"method": "POST", "path": "objects/copy", "status": 403, "times": 999})

    return forbid


def test_a_release_from_another_line_is_a_merge(lake: LakeFSLake, write, read, no_copies) -> None:
    lake.create_branch("production")
    write("production", {"p/old": b"old", "p/01": b"old", "kept": b"k"})
    write("main", FILES | {"other": b"o", "q/x": b"x"})
    no_copies()
    release(lake, "p/", "main")
    assert read("production") == {**FILES, "kept": b"k"}
    assert [item.path for item in lake.list("production")] == sorted(read("production"))


def test_the_way_back_undoes_what_came_since(released: LakeFSLake, read, no_copies) -> None:
    lake = released
    commits = list(lake.log("production", prefix="p/"))
    other = read("production", "q/")
    no_copies()
    for target in (commits[2].id, commits[0].id, commits[1].id):
        before = list(lake.log("production"))
        release(lake, "p/", target)
        assert read("production", "p/") == read(target, "p/")
        assert read("production", "q/") == other
        assert list(lake.log("production"))[1:] == before


def test_a_commit_that_touched_more_is_not_undone(released: LakeFSLake, write, read) -> None:
    target = released.resolve("production")
    write("production", {"p/00": b"by hand", "q/0": b"by hand"})
    release(released, "p/", target)
    assert read("production", "p/") == read(target, "p/")
    assert read("production", "q/")["q/0"] == b"by hand"


def test_related_lines_and_more_edits_are_copied(released: LakeFSLake, write, read) -> None:
    lake = released
    lake.create_branch("dev", "main")
    write("dev", {"p/00": b"dev", "p/new": b"n", "p/01": None})
    with lake.change("main", "mixed") as change:
        change.adopt("p/", "dev")
        change.put("p/more", b"m")
        change.delete("x")
    assert read("main", "p/") == {**read("dev", "p/"), "p/more": b"m"}
    assert "x" not in read("main")
    with lake.change("production", "mixed") as change:
        change.adopt("p/", "dev")
        change.delete("q/0")
    assert read("production", "p/") == read("dev", "p/")
    assert "q/0" not in read("production")


def test_pages_of_the_web_interface(lake: LakeFSLake, write) -> None:
    head = write("main", {"a": b"1"}).id
    pages = f"{lake.address.endpoint}/repositories/{lake.address.repository}"
    assert lake.link(head) == f"{pages}/commits/{head}"
    assert lake.branch_link("dev-alice") == f"{pages}/objects?ref=dev-alice"
    assert lake.diff_link("main", "dev-alice") == f"{pages}/compare?ref=main&compare=dev-alice"
