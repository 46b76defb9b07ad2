"""What the lakeFS store does beyond the contract of both stores."""

from __future__ import annotations

import errno
import hashlib
import os
import pickle
import time
from datetime import timedelta
from pathlib import Path

import pytest

from headwater.lake import Damaged, InvalidName, Rejected, Unavailable, open_lake
from headwater.lake.lakefs import LakeFSLake, cache, transaction

LOCATIONS = {
    "lakefs://lake.example/my-repo": "https://lake.example",
    "lakefs+https://lake.example:8443/my-repo": "https://lake.example:8443",
    "lakefs+http://127.0.0.1:8000/my-repo/": "http://127.0.0.1:8000",
}


@pytest.mark.skipif(
    "LAKEFS_ENDPOINT" in os.environ, reason="the whole contract runs on a real lakeFS as well"
)
@pytest.mark.lakefs
def test_a_real_server() -> None:
    pytest.skip(
        "set LAKEFS_ENDPOINT, LAKEFS_ACCESS_KEY_ID and LAKEFS_SECRET_ACCESS_KEY to run the contract on a "
        "real lakeFS"
    )


@pytest.mark.parametrize("location", LOCATIONS)
def test_locations(location: str, tmp_path: Path) -> None:
    lake = open_lake(location, cache=tmp_path)
    assert isinstance(lake, LakeFSLake)
    assert (lake.address.endpoint, lake.address.repository) == (LOCATIONS[location], "my-repo")
    assert str(type(lake.address).parse(str(lake.address))) == str(lake.address)


@pytest.mark.parametrize(
    "location",
    [
        "lakefs://",
        "lakefs://host",
        "lakefs://host/",
        "lakefs://host/UPPER",
        "lakefs://host/a/b",
        "lakefs://host:99999/repo",
        "lakefs://host/repo?x=1",
        "lakefs+ftp://host/repo",
        "lakefs:///repo",
    ],
)
def test_refused_locations(location: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="location of the lake"):
        open_lake(location, cache=tmp_path)


def test_keys_in_a_location_are_refused_and_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="LAKEFS_SECRET_ACCESS_KEY") as caught:
        open_lake("lakefs://AKIA:geheim@host/repo", cache=tmp_path)
    assert "geheim" not in str(caught.value)


def test_an_authority_that_is_missing(lake: LakeFSLake, monkeypatch) -> None:
    monkeypatch.setenv("LAKEFS_CA_FILE", "nowhere.pem")
    with pytest.raises(ValueError, match="LAKEFS_CA_FILE"):
        lake.resolve("main")


def test_pickling_keeps_the_settings(lake: LakeFSLake) -> None:
    other = pickle.loads(pickle.dumps(lake))
    assert other.__reduce__() == lake.__reduce__()
    assert other.resolve("main") == lake.resolve("main")


def test_what_is_there_already_is_not_sent_again(lake: LakeFSLake, double, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    for number in range(100):
        (folder / f"part-{number:05d}").write_bytes(b"%d" % number)
    with lake.change("main", "first") as change:
        change.put_folder("p/", folder)
    (folder / "part-00007").write_bytes(b"changed")
    double.faults({"method": "PUT", "path": "/part-0000[^7]|/part-000[^0]", "status": 403, "times": 1000})
    with lake.change("main", "second") as change:
        change.put_folder("p/", folder)
    first = next(iter(lake.log("main"))).parents[0]
    assert [(found.path, found.kind) for found in lake.diff(first, "main")] == [("p/part-00007", "changed")]


def test_what_others_uploaded(lake: LakeFSLake) -> None:
    s3, control, bucket = lake._data._s3, lake._control, lake.address.repository
    s3.put_object(Bucket=bucket, Key="main/theirs/a", Body=b"data", Metadata={"by": "spark"})
    s3.put_object(Bucket=bucket, Key="main/theirs/folder/", Body=b"")
    # Staged but not committed: not part of any version.
    assert list(lake.list("main")) == []
    control.commit_branch("main", "by hand", {})
    (found,) = lake.list("main")
    assert (found.path, found.size, found.metadata) == ("theirs/a", 4, {"by": "spark"})
    assert found.digest == f"etag:{hashlib.md5(b'data').hexdigest()}"
    assert lake.fetch("main", "theirs/a").read_bytes() == b"data"
    assert (lake.fetch("main", "theirs/") / "a").read_bytes() == b"data"
    assert list(lake.verify(deep=True)) == []
    s3.put_object(Bucket=bucket, Key="main/theirs/../../outside", Body=b"x")
    control.commit_branch("main", "by hand", {})
    with pytest.raises(Damaged, match="outside"):
        lake.fetch("main", "theirs/")


def test_a_commit_shows_its_own_metadata_only(lake: LakeFSLake, write) -> None:
    made = write("main", {"a": b"1"}, metadata={"k": "v", ".mine": "x"})
    assert made.metadata == {"k": "v", ".mine": "x"}


def test_versions_and_repositories_share_downloads(lake: LakeFSLake, double, write, tmp_path: Path) -> None:
    first = write("main", {"p/a": b"same", "p/b": b"1"}).id
    write("main", {"p/b": b"2", "q/c": b"same"})
    one = lake.fetch(first, "p/a")
    assert lake.fetch("main", "q/c") == one
    assert (lake.fetch("main", "p/") / "a").stat().st_ino == one.stat().st_ino
    other = LakeFSLake(double.new_repository(), tmp_path / "cache")
    with other.change("main", "x") as change:
        change.put("x", b"same")
    assert other.fetch("main", "x") == one


def test_a_download_that_rots_here_is_fetched_anew(lake: LakeFSLake, write) -> None:
    write("main", {"p/a": b"good"})
    file = lake.fetch("main", "p/a")
    file.chmod(0o644)
    file.write_bytes(b"evil")
    assert lake.fetch("main", "p/a").read_bytes() == b"good"
    folder = lake.fetch("main", "p/")
    (folder / "a").chmod(0o644)
    (folder / "a").write_bytes(b"evil")
    assert (lake.fetch("main", "p/") / "a").read_bytes() == b"good"


def test_the_cache_keeps_its_bound(location: str, tmp_path: Path, write, monkeypatch) -> None:
    files = {f"p/{number}": bytes([number]) * 1000 for number in range(20)}
    write("main", files)
    bounded = LakeFSLake(location, tmp_path / "small", cache_bytes=5000)
    for path in files:
        bounded.fetch("main", path)
    objects = tmp_path / "small" / "objects"
    assert len([path for path in objects.rglob("*") if path.is_file()]) == 20, "a day's downloads stay"
    monkeypatch.setattr(cache, "KEPT_SECONDS", 0)
    bounded.fetch("main", "p/")
    with bounded.change("main", "x") as change:
        change.put("more", b"x" * 1000)
    newest = bounded.fetch("main", "more")
    kept = [path for path in objects.rglob("*") if path.is_file()]
    assert len(kept) <= 5
    assert newest in kept
    assert bounded.fetch("main", "p/0").read_bytes() == files["p/0"]
    with pytest.raises(ValueError, match="cache_bytes"):
        LakeFSLake(location, tmp_path, cache_bytes=0)


def test_an_abandoned_change_is_reported_and_swept(lake: LakeFSLake, monkeypatch) -> None:
    control = lake._control
    old = int(time.time()) - 2 * transaction.GRACE_SECONDS
    control.create_branch(f"tx-{old:08x}-{'0' * 12}-main", lake.resolve("main"), hidden=True)
    (problem,) = lake.verify()
    assert problem.kind == "leftover"
    assert lake.sweep(older_than=timedelta(days=9)).leftovers == 0
    assert lake.sweep(older_than=timedelta(hours=1)).leftovers == 1
    assert lake.sweep(older_than=timedelta(hours=1), dry_run=False).leftovers == 1
    assert list(lake.verify()) == []


def test_a_new_branch_from_an_old_commit_is_young(lake: LakeFSLake, write, monkeypatch) -> None:
    write("main", {"a": b"1"})
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 3 * 24 * 3600)
    lake.create_branch("run-1")
    day = timedelta(days=1)
    assert lake.sweep(older_than=day, dry_run=False).branches == ()
    monkeypatch.setattr(time, "time", lambda: now + 5 * 24 * 3600)
    assert lake.sweep(older_than=day, dry_run=False).branches == ("run-1",)


def test_a_protected_branch_takes_changes_by_merging(lake: LakeFSLake, read) -> None:
    lake._control.protect(["main", "production"])
    with lake.change("main", "x") as change:
        change.put("a", b"1")
    assert read("main") == {"a": b"1"}


def test_foreign_objects_cannot_hide_a_clash(lake: LakeFSLake, write) -> None:
    lake._data.send("main", "x/y", b"by hand", {})
    lake._control.commit_branch("main", "by hand", {})
    with pytest.raises(InvalidName):
        write("main", {"x": b"1"})


def test_no_room_for_a_download(lake: LakeFSLake, write, monkeypatch) -> None:
    write("main", {"a": b"1" * 100})

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", full)
        with pytest.raises(Unavailable, match="no room left"):
            lake.fetch("main", "a")
    assert lake.fetch("main", "a").read_bytes() == b"1" * 100


def test_a_branch_that_somebody_wrote_to_without_committing(lake: LakeFSLake, write) -> None:
    lake._data.send("main", "by-hand", b"1", {})
    with pytest.raises(Rejected, match="commit or reset"):
        write("main", {"a": b"1"})
