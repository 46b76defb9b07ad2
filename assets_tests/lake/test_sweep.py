"""Sweeping keeps everything that anybody may still need."""

from __future__ import annotations

from datetime import timedelta

import pytest

from headwater.lake import Gone, Lake

NOW, DAY = timedelta(0), timedelta(days=1)


@pytest.fixture
def littered(lake: Lake, write) -> Lake:
    """Payloads on main, on a tag, on a run's branch, on a developer's, and on a branch that is gone."""
    write("main", {"main": b"main"})
    for name in ("run-old", "dev-alice", "gone", "tagged"):
        lake.create_branch(name)
        write(name, {name: name.encode(), "shared": b"shared by " + name[:3].encode()})
    lake.tag("v1", "tagged")
    lake.delete_branch("tagged")
    lake.delete_branch("gone")
    return lake


def test_a_dry_run_only_tells(littered: Lake, read) -> None:
    before = littered.refs("branch")
    told = littered.sweep(older_than=NOW)
    assert told.dry_run
    assert told.branches == ("run-old",)
    assert littered.refs("branch") == before
    assert littered.sweep(older_than=NOW) == told
    assert read("run-old")["run-old"] == b"run-old"


def test_what_is_swept_and_what_stays(littered: Lake, read) -> None:
    told = littered.sweep(older_than=NOW)
    done = littered.sweep(older_than=NOW, dry_run=False)
    assert (done.branches, done.payloads, done.freed) == (told.branches, told.payloads, told.freed)
    assert (done.payloads, done.dry_run) == (4, False)
    assert done.freed == len(b"run-old" + b"shared by run" + b"gone" + b"shared by gon")
    assert list(littered.refs("branch")) == ["dev-alice", "main"]
    assert read("main") == {"main": b"main"}
    assert read("dev-alice")["dev-alice"] == b"dev-alice"
    assert read("v1")["tagged"] == b"tagged"
    assert littered.sweep(older_than=NOW, dry_run=False).payloads == 0
    assert list(littered.verify(deep=True)) == []


def test_the_young_stay(littered: Lake) -> None:
    done = littered.sweep(older_than=DAY, dry_run=False)
    assert (done.branches, done.payloads, done.views) == ((), 0, 0)
    assert "run-old" in littered.refs("branch")


def test_history_is_kept(lake: Lake, write, read) -> None:
    old = write("main", {"a": b"1"}).id
    write("main", {"a": b"2"})
    lake.create_branch("run-1")
    write("run-1", {"b": b"3"})
    lake.merge("run-1", "main", "merge")
    assert lake.sweep(older_than=NOW, dry_run=False).branches == ("run-1",)
    assert read(old) == {"a": b"1"}
    assert read("main") == {"a": b"2", "b": b"3"}


def test_swept_payloads_are_gone_and_can_be_put_again(lake: Lake, write, read) -> None:
    lake.create_branch("run-1")
    swept = write("run-1", {"p/a": b"1"}).id
    lake.sweep(older_than=NOW, dry_run=False)
    for path in ("p/a", "p/"):
        with pytest.raises(Gone):
            lake.fetch(swept, path)
    for use in (
        lambda: lake.tag("v1", swept),
        lambda: lake.create_branch("again", swept),
        lambda: lake.merge(swept, "main", "merge"),
    ):
        with pytest.raises(Gone):
            use()
    with pytest.raises(Gone), lake.change("main", "x") as change:
        change.adopt("p/", swept)
    write("main", {"b": b"1"})
    assert read("main") == {"b": b"1"}
    assert read(swept) == {"p/a": b"1"}


def test_a_change_in_progress_keeps_what_it_uses(lake: Lake, write, read) -> None:
    lake.create_branch("run-1")
    write("run-1", {"p/old": b"old", "q": b"again"})
    with lake.change("main", "x") as change:
        change.put("new", b"new")
        change.adopt("p/", "run-1")
        lake.delete_branch("run-1")
        change.put("q", b"again")
        lake.sweep(older_than=NOW, dry_run=False)
    assert read("main") == {"new": b"new", "p/old": b"old", "q": b"again"}
    lake.create_branch("run-2")
    with lake.change("run-2", "x") as change:
        change.put("r", b"r")
        assert lake.sweep(older_than=NOW, dry_run=False).branches == ()
    assert read("run-2")["r"] == b"r"


def test_fetched_folders_of_kept_commits_come_back(lake: Lake, write) -> None:
    write("main", {"p/a": b"1"})
    lake.fetch("main", "p/")
    lake.sweep(older_than=NOW, dry_run=False)
    assert (lake.fetch("main", "p/") / "a").read_bytes() == b"1"


def test_a_negative_age_is_refused(lake: Lake) -> None:
    with pytest.raises(ValueError, match="older_than"):
        lake.sweep(older_than=timedelta(seconds=-1))


def test_beside_writers(lake: Lake, process, finish, read) -> None:
    writers = [process("merges", name, 15) for name in "ab"]
    sweeper = process("sweeps", 20)
    for running in (*writers, sweeper):
        finish(running)
    expected = {f"{n}/{k}/{x}": f"{n} {k}".encode() for n in "ab" for k in range(15) for x in "ab"}
    assert read("main") == expected
    assert list(lake.verify(deep=True)) == []
