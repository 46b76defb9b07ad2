"""A disk without room: a clear error, the old state intact, and work goes on once there is room."""

from __future__ import annotations

import os
import resource
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from headwater.lake import Denied, Unavailable, open_lake

SIZE = 12 << 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 12 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE},nr_inodes=3000", "tmpfs", folder], capture_output=True
    )
    if mount.returncode:
        pytest.skip(f"cannot mount a small file system: {mount.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder: Path, *, leave: int) -> Path:
    """Take the room of a disk but for `leave` bytes."""
    ballast = folder / "ballast"
    room = os.statvfs(folder)
    ballast.write_bytes(b"\0" * max(0, room.f_bavail * room.f_bsize - leave))
    return ballast


@pytest.mark.parametrize("leave", [0, 4096, 8192, 16384, 32768, 65536, 131072])
def test_a_full_disk(small_disk: Path, leave: int) -> None:
    lake = open_lake(small_disk / "lake")
    with lake.change("main", "before") as change:
        change.put("a", b"1" * 10_000)
    lake.create_branch("dev")
    head = lake.resolve("main")
    ballast = fill(small_disk, leave=leave)

    def overfill() -> None:
        with lake.change("main", "too much") as change:
            for number in range(60):
                change.put(f"p/{number}", os.urandom(3_000))

    with pytest.raises(Unavailable, match="no room"):
        overfill()
    assert lake.resolve("main") == head
    assert lake.fetch("main", "a").read_bytes() == b"1" * 10_000
    assert [problem for problem in lake.verify(deep=True) if problem.kind != "leftover"] == []
    ballast.unlink()
    overfill()
    assert sum(1 for _ in lake.list("main")) == 61
    assert list(lake.verify(deep=True)) == []


def test_no_room_for_what_history_needs(small_disk: Path) -> None:
    lake = open_lake(small_disk / "lake")
    old = os.urandom(2 << 20)
    new = old[: 3 << 19] + os.urandom(1 << 19)
    with lake.change("main", "old") as change:
        change.put("a", old)
    before = lake.resolve("main")
    ballast = fill(small_disk, leave=len(new) + (200 << 10))
    with lake.change("main", "new") as change:
        change.put("a", new)
    assert lake.fetch("main", "a").read_bytes() == new
    assert lake.fetch(before, "a").read_bytes() == old
    assert list(lake.verify(deep=True)) == []
    ballast.unlink()
    for data in (old, new):
        with lake.change("main", "again") as change:
            change.put("a", data)
    lake.sweep(older_than=timedelta(0), dry_run=False)
    ballast = fill(small_disk, leave=0)
    with pytest.raises(Unavailable, match="no room"):
        lake.fetch(before, "a")
    ballast.unlink()
    assert lake.fetch(before, "a").read_bytes() == old
    assert list(lake.verify(deep=True)) == []


def test_a_full_disk_at_every_other_operation(small_disk: Path) -> None:
    lake = open_lake(small_disk / "lake")
    with lake.change("main", "before") as change:
        change.put("p/a", b"1")
    lake.create_branch("dev")
    with lake.change("dev", "more") as change:
        change.put("p/b", b"2")
    heads = lake.refs("branch")
    ballast = fill(small_disk, leave=0)
    for operation in (
        lambda: lake.merge("dev", "main", "merge"),
        lambda: lake.revert("dev", "dev"),
        lambda: lake.create_branch("new"),
        lambda: lake.tag("v1", "main"),
        lambda: lake.fetch("dev", "p/"),
    ):
        with pytest.raises(Unavailable, match="no room"):
            operation()
    assert lake.refs("branch") == heads
    assert lake.refs("tag") == {}
    ballast.unlink()
    assert [problem for problem in lake.verify(deep=True) if problem.kind != "leftover"] == []
    lake.merge("dev", "main", "merge")
    assert (lake.fetch("main", "p/") / "b").read_bytes() == b"2"
    assert list(lake.verify(deep=True)) == []


def test_no_free_inode(small_disk: Path) -> None:
    lake = open_lake(small_disk / "lake")
    head = lake.resolve("main")
    (small_disk / "many").mkdir()
    made: list[Path] = []
    while os.statvfs(small_disk).f_favail > 0:
        made.append(small_disk / "many" / str(len(made)))
        made[-1].touch()

    def put() -> None:
        with lake.change("main", "x") as change:
            change.put("a", b"1")

    with pytest.raises(Unavailable, match="no room"):
        put()
    assert lake.resolve("main") == head
    for file in made:
        file.unlink()
    put()
    assert list(lake.verify(deep=True)) == []


def test_a_limit_on_the_size_of_files(tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "lake")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def put() -> None:
        with lake.change("main", "x") as change:
            change.put("a", b"1" * 300_000)

    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))
    try:
        with pytest.raises(Unavailable, match="no room"):
            put()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list((tmp_path / "lake" / "tmp").iterdir()) == []
    put()


@pytest.fixture
def common_user() -> Iterator[Path]:
    """Be somebody who is not root, and have a folder of their own."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)
        try:
            yield Path(folder)
        finally:
            os.seteuid(user)


def test_a_common_user_without_permission(common_user: Path) -> None:
    lake = open_lake(common_user / "lake")
    with lake.change("main", "x") as change:
        change.put("p/a", b"1")
    assert (lake.fetch("main", "p/") / "a").read_bytes() == b"1"
    for name in ("tmp", "changes", "git/refs/heads"):
        folder = common_user / "lake" / name
        folder.chmod(0o555)
        head = lake.resolve("main")
        with pytest.raises(Denied, match="no permission"), lake.change("main", "x") as change:
            change.put("b", name.encode())
        assert lake.resolve("main") == head
        folder.chmod(0o755)
        with lake.change("main", "x") as change:
            change.put("b", name.encode())
    lake.sweep(older_than=timedelta(0), dry_run=False)
    assert list(lake.verify(deep=True)) == []
