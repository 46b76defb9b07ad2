"""Everything that a server, a proxy or a network can answer, and what the lake makes of it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from headwater.lake import (
    Busy,
    Conflict,
    Damaged,
    Denied,
    Gone,
    InvalidName,
    LakeError,
    NotFound,
    Rejected,
    Unavailable,
)
from headwater.lake.lakefs import LakeFSLake
from headwater.lake.lakefs.patience import ATTEMPTS

ALWAYS = 1_000
BRANCH = "/branches/main$"


@pytest.fixture
def content(lake: LakeFSLake, write) -> LakeFSLake:
    """One object on main; the S3 client is made, so that its import does not count in a time-out."""
    write("main", {"p/a": b"1" * 100})
    return lake


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (401, '{"message": "error authenticating request"}', Denied),
        (403, '{"message": "insufficient permissions"}', Denied),
        (404, '{"message": "not found"}', NotFound),
        (410, '{"message": "gone"}', Gone),
        (412, '{"message": "precondition"}', Rejected),
        (400, '{"message": "invalid value"}', InvalidName),
        (423, '{"message": "locked"}', Busy),
        (429, '{"message": "too many requests"}', Busy),
        (500, '{"message": "internal"}', Unavailable),
        (502, "<html>Bad Gateway</html>", Unavailable),
        (503, "", Unavailable),
        (418, "\N{HOT BEVERAGE}", Unavailable),
    ],
)
def test_a_status_that_stays(content: LakeFSLake, double, status: int, body: str, expected) -> None:
    double.faults({"path": "/objects/stat", "status": status, "body": body, "times": ALWAYS})
    with pytest.raises(expected) as caught:
        content.stat("main", "p/a")
    assert type(caught.value) is expected


@pytest.mark.parametrize("status", [423, 429, 500, 502, 503, 504])
def test_a_status_that_passes_is_not_noticed(content: LakeFSLake, double, status: int, read) -> None:
    double.faults({"path": "/api/", "status": status, "times": ATTEMPTS - 1})
    assert content.resolve("main") == content.resolve("main")
    double.faults({"path": "/r-.*/p/a$", "status": status, "times": 2, "body": "<Error/>"})
    assert read("main")["p/a"] == b"1" * 100


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 412])
def test_what_is_refused_is_not_tried_again(content: LakeFSLake, double, status: int) -> None:
    double.faults({"path": "/objects/stat", "status": status, "body": '{"message": "no"}', "times": 1})
    with pytest.raises(LakeError):
        content.stat("main", "p/a")
    assert content.stat("main", "p/a").size == 100


def test_refused_by_a_hook(content: LakeFSLake, double, read) -> None:
    before = content.resolve("main")
    for path in ("/commits$", "/merge/main$"):
        double.faults({"method": "POST", "path": path, "status": 412, "body": '{"message": "hook said no"}'})
        with pytest.raises(Rejected, match="hook said no"), content.change("main", "x") as change:
            change.put("b", b"2")
    assert content.resolve("main") == before
    assert list(content.refs("branch")) == ["main"]
    assert [item["id"] for item in content._control.branches(hidden=True)] == ["main"]


def test_a_conflict_without_a_message(content: LakeFSLake, double, write) -> None:
    content.create_branch("dev")
    write("dev", {"p/a": b"dev"})
    double.faults({"method": "POST", "path": "/merge/main$", "status": 409, "body": '{"reference": ""}'})
    with pytest.raises(Conflict):
        content.merge("dev", "main", "x")
    write("main", {"p/a": b"main", "q": b"1"})
    with pytest.raises(Conflict) as caught:
        content.merge("dev", "main", "x")
    assert caught.value.paths == ("p/a",)


def test_a_branch_that_moves_while_it_is_merged_into(content: LakeFSLake, write, monkeypatch) -> None:
    content.create_branch("dev")
    write("dev", {"p/a": b"dev"})
    control = content._control
    merge = control.merge

    def overtaken(*arguments, **options):
        monkeypatch.setattr(control, "merge", merge)
        write("main", {"p/a": b"main", "q": b"1"})
        return merge(*arguments, **options)

    monkeypatch.setattr(control, "merge", overtaken)
    with pytest.raises(Conflict) as caught:
        content.merge("dev", "main", "x")
    assert caught.value.paths == ("p/a",)


def test_an_answer_that_gets_lost_after_the_merge(content: LakeFSLake, double, read, write) -> None:
    content.create_branch("dev")
    write("dev", {"b": b"2"})
    double.faults({"method": "LOST", "path": "/merge/main$", "status": 502})
    made = content.merge("dev", "main", "merge", {"k": "v"})
    assert made == content.resolve("main")
    assert next(content.log("main")).metadata == {"k": "v"}
    double.faults({"method": "LOST", "path": "/merge/main$", "status": 504})
    assert write("main", {"c": b"3"}).id == content.resolve("main")
    assert len(read("main")) == 3


def test_a_time_out(content: LakeFSLake, double, tmp_path: Path) -> None:
    hasty = LakeFSLake(str(content.address), tmp_path / "cache", timeout=(5.0, 0.2))
    double.faults({"path": BRANCH, "delay": 1.0})
    with pytest.raises(Unavailable, match="timed out"):
        hasty.resolve("main")
    assert content.resolve("main")


@pytest.mark.parametrize("fault", [{"drop": True}, {"half": True}])
def test_a_connection_that_breaks_off(content: LakeFSLake, double, fault) -> None:
    double.faults({"path": BRANCH, **fault})
    with pytest.raises(Unavailable):
        content.resolve("main")
    assert content.resolve("main")


@pytest.mark.parametrize("size", [100, 9 << 20])
def test_half_a_download_is_fetched_again(content: LakeFSLake, double, write, size: int) -> None:
    data = os.urandom(size)
    write("main", {"p/b": data})
    double.faults({"method": "GET", "path": "/p/b$", "half": True, "times": 2})
    assert content.fetch("main", "p/b").read_bytes() == data


def test_half_downloads_without_end(content: LakeFSLake, double, tmp_path: Path) -> None:
    double.faults({"method": "GET", "path": "/p/a$", "half": True, "times": ALWAYS})
    with pytest.raises(Unavailable, match="p/a"):
        content.fetch("main", "p/a")
    double.faults()
    assert list((tmp_path / "cache" / "tmp").iterdir()) == []
    assert content.fetch("main", "p/a").read_bytes() == b"1" * 100


def test_connection_refused(tmp_path: Path, double) -> None:
    lake = LakeFSLake("lakefs+http://127.0.0.1:9/some-repository", tmp_path)
    with pytest.raises(Unavailable, match="cannot be reached"):
        lake.resolve("main")


def test_unknown_values_and_fields_are_borne(content: LakeFSLake, double, write) -> None:
    first = content.resolve("main")
    write("main", {"b": b"2"})
    double.faults({"path": "/diff/", "patch": {"results": {"type": "renamed", "new": 1}, "more": {}}})
    assert [(found.path, found.kind) for found in content.diff(first, "main")] == [("b", "changed")]
    double.faults({"path": BRANCH, "patch": {"version": 2, "x": None}, "times": ALWAYS})
    assert content.resolve("main") != first
    double.faults({"path": "/commits/", "patch": {"version": 99, "kind": "strange"}})
    assert content.resolve(first) == first


def test_a_page_of_a_proxy_is_no_lakefs(content: LakeFSLake, double) -> None:
    double.faults({"path": BRANCH, "status": 200, "body": "<html>Welcome</html>"})
    with pytest.raises(Unavailable, match="lakeFS server"):
        content.resolve("main")


def test_a_failed_upload_leaves_nothing(content: LakeFSLake, double, read) -> None:
    before = content.resolve("main")
    double.faults(
        {"method": "PUT", "path": "/p/b$", "status": 403, "body": "<Error><Code>AccessDenied</Code></Error>"}
    )

    def both() -> None:
        with content.change("main", "x") as change:
            change.put("p/c", b"3")
            change.put("p/b", b"2")

    with pytest.raises(Denied):
        both()
    assert content.resolve("main") == before
    assert [item["id"] for item in content._control.branches(hidden=True)] == ["main"]


def test_a_failed_upload_that_is_made_good(content: LakeFSLake, double, read) -> None:
    double.faults({"method": "PUT", "path": "/p/b$", "status": 403, "body": "<Error/>"})
    with content.change("main", "x") as change:
        with pytest.raises(Denied):
            change.put("p/b", b"2")
        change.put("p/b", b"2")
    assert read("main")["p/b"] == b"2"
    double.faults({"method": "PUT", "path": "/p/", "status": 403, "body": "<Error/>", "times": 2})
    with content.change("main", "x") as change:
        for path in ("p/new", "p/a"):
            with pytest.raises(Denied):
                change.put(path, b"not stored")
        change.put("q", b"4")
    assert read("main") == {"p/a": b"1" * 100, "p/b": b"2", "q": b"4"}


def test_the_hidden_branch_stays_when_it_cannot_be_removed(content: LakeFSLake, double, read) -> None:
    double.faults({"method": "DELETE", "path": "/branches/tx-", "status": 403, "body": "{}"})
    with content.change("main", "x") as change:
        change.put("b", b"2")
    assert read("main")["b"] == b"2"
    assert list(content.refs("branch")) == ["main"]


def test_rot_is_found_named_and_never_served(content: LakeFSLake, double, location: str, write) -> None:
    write("main", {"p/b": b"2" * 100, "p/c": b"3"})
    double.rot(location, "main", "p/a")
    double.rot(location, "main", "p/c", remove=True)
    with pytest.raises(Damaged, match="p/a"):
        content.fetch("main", "p/a")
    with pytest.raises(Gone):
        content.fetch("main", "p/c")
    with pytest.raises((Damaged, Gone)):
        content.fetch("main", "p/")
    assert content.fetch("main", "p/b").read_bytes() == b"2" * 100
    assert [problem.kind for problem in content.verify()] == ["missing payload"]
    found = {problem.where.partition(" ")[0]: problem.kind for problem in content.verify(deep=True)}
    assert found == {"p/a": "wrong payload", "p/c": "missing payload"}
    # Sending the same content again is skipped only for what the branch itself describes alike.
    write("main", {"p/a": b"other"})
    assert content.fetch("main", "p/a").read_bytes() == b"other"


def test_keys_are_never_told(content: LakeFSLake, double, caplog, monkeypatch) -> None:
    monkeypatch.setenv("LAKEFS_SECRET_ACCESS_KEY", "very-secret")
    other = LakeFSLake(str(content.address), content._folder)
    with pytest.raises(Denied) as caught:
        other.resolve("main")
    told = f"{caught.value!r} {caught.value} {other!r} {vars(other)} {caplog.text}"
    assert "very-secret" not in told
    assert "very-secret" not in json.dumps([str(part) for part in other.__reduce__()])


def test_without_keys(content: LakeFSLake, monkeypatch) -> None:
    monkeypatch.delenv("LAKEFS_ACCESS_KEY_ID")
    with pytest.raises(ValueError, match="LAKEFS_ACCESS_KEY_ID"):
        LakeFSLake(str(content.address), content._folder).resolve("main")
