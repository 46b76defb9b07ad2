"""Bit rot, lost files and leftovers: found, named, never served."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from headwater.lake import Damaged, Gone, Lake, open_lake


def rot(file: Path, *, hide: bool = False) -> None:
    """Flip one bit; with `hide` the file's times stay as they were, as when a disk does it."""
    before = file.stat()
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.chmod(0o644)
    file.write_bytes(content)
    file.chmod(0o444)
    if hide:
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("fetched_before", [False, True])
@pytest.mark.parametrize("path", ["p/a", "p/"])
def test_bit_rot_is_found_on_fetch(lake: Lake, location, write, payload, path, fetched_before) -> None:
    write("main", {"p/a": b"content", "p/b": b"fine"})
    if fetched_before:
        lake.fetch("main", path)
    rot(payload("main", "p/a"))
    for reader in (lake, open_lake(location)):
        with pytest.raises(Damaged, match=r"'(p/)?a'"):
            reader.fetch("main", path)
    assert lake.fetch("main", "p/b").read_bytes() == b"fine"


def test_bit_rot_that_the_disk_hides_is_found_by_deep_verification(lake: Lake, write, payload) -> None:
    write("main", {"p/a": b"content", "p/b": b"fine"})
    rot(payload("main", "p/a"), hide=True)
    assert list(lake.verify()) == []
    (found,) = lake.verify(deep=True)
    assert found.kind == "wrong payload"
    assert "p/a" in found.where
    assert found.remedy


def test_truncation_is_found_by_quick_verification(lake: Lake, write, payload) -> None:
    write("main", {"a": b"content"})
    file = payload("main", "a")
    file.chmod(0o644)
    os.truncate(file, 3)
    (found,) = lake.verify()
    assert (found.kind, "a" in found.where) == ("wrong payload", True)
    with pytest.raises(Damaged):
        lake.fetch("main", "a")


@pytest.mark.parametrize("harm", [rot, lambda file: os.truncate(file, 2), Path.unlink])
def test_putting_the_same_content_again_mends(lake: Lake, write, read, payload, harm) -> None:
    write("main", {"a": b"content"})
    harm(payload("main", "a"))
    assert [found.kind for found in lake.verify(deep=True)] != []
    write("main", {"copy": b"content"})
    assert read("main") == {"a": b"content", "copy": b"content"}
    assert list(lake.verify(deep=True)) == []


def test_a_missing_payload(lake: Lake, write, payload) -> None:
    write("main", {"a": b"content"})
    write("main", {"a": None, "b": b"other"})
    old = next(lake.log("main")).parents[0]
    payload(old, "a").unlink()
    (found,) = lake.verify()
    assert (found.kind, "a" in found.where) == ("missing payload", True)
    with pytest.raises(Gone):
        lake.fetch(old, "a")


def test_tampering_with_a_fetched_folder_is_mended(lake: Lake, write, payload) -> None:
    write("main", {"p/a": b"content", "p/b": b"other"})
    folder = lake.fetch("main", "p/")
    folder.chmod(0o755)
    (folder / "a").unlink()
    (folder / "a").write_bytes(b"forged!")
    (folder / "b").unlink()
    again = lake.fetch("main", "p/")
    assert {file.name: file.read_bytes() for file in again.iterdir()} == {"a": b"content", "b": b"other"}


def test_an_unreadable_ref(lake: Lake, root: Path, write) -> None:
    write("main", {"a": b"1"})
    lake.create_branch("dev")
    (root / "git" / "refs" / "heads" / "dev").write_bytes(b"")
    (found,) = lake.verify()
    assert (found.kind, found.where) == ("unreadable", "branch dev")
    with pytest.raises(Damaged):
        lake.resolve("dev")
    with pytest.raises(Damaged):
        lake.sweep(older_than=timedelta(0), dry_run=False)
    assert lake.stat("main", "a").size == 1
    lake.create_branch("fine", lake.resolve("main"))
    lake.delete_branch("dev")
    assert list(lake.verify()) == []


def test_unreadable_git_objects(lake: Lake, root: Path, write) -> None:
    write("main", {"p/a": b"1", "p/b": b"2", "q/c": b"3"})
    before = {file for file in (root / "git" / "objects").rglob("*") if file.is_file()}
    write("main", {"p/a": b"4"})
    new = sorted({file for file in (root / "git" / "objects").rglob("*") if file.is_file()} - before)
    assert len(new) == 4
    for file in new:
        whole = file.read_bytes()
        for harmed in (None, b"", whole[: len(whole) // 2], whole[:-1] + b"\0"):
            file.unlink(missing_ok=True)
            if harmed is not None:
                file.write_bytes(harmed)
            problems = list(open_lake(root).verify(deep=True))
            assert [found.kind for found in problems] == ["unreadable"], (file, harmed)
            with pytest.raises(Damaged):
                open_lake(root).sweep(older_than=timedelta(0), dry_run=False)
        file.unlink(missing_ok=True)
        file.write_bytes(whole)
    assert list(open_lake(root).verify(deep=True)) == []


@pytest.mark.timeout(60)
@pytest.mark.parametrize("cut", [0, 1, 0.5, -1])
def test_broken_git_objects_are_an_error_when_they_are_read(lake: Lake, root: Path, write, cut) -> None:
    """libgit2 alone never returns from reading a file that ends too early."""
    write("main", {"p/a": b"1", "q": b"2"})
    before = {file for file in (root / "git" / "objects").rglob("*") if file.is_file()}
    write("main", {"p/a": b"3"})
    lake.create_branch("dev", next(lake.log("main")).parents[0])
    write("dev", {"x": b"4"})
    for file in sorted({file for file in (root / "git" / "objects").rglob("*") if file.is_file()} - before):
        whole = file.read_bytes()
        file.chmod(0o644)
        file.write_bytes(whole[: int(len(whole) * cut) if isinstance(cut, float) else cut])
        failed = 0
        for use in (
            lambda lake: list(lake.list("main")) and list(lake.list("dev")),
            lambda lake: list(lake.log("main", prefix="p/")) and list(lake.log("dev", prefix="x")),
            lambda lake: list(lake.diff("main", "dev")),
        ):
            try:
                use(open_lake(root))
            except Damaged:
                failed += 1
        assert failed, file
        file.write_bytes(whole)
    assert list(open_lake(root).verify(deep=True)) == []
    lake.merge("dev", "main", "m")


def test_leftovers_are_named_and_swept(lake: Lake, root: Path, write) -> None:
    write("main", {"p/a": b"1"})
    leftovers = [
        root / "tmp" / "0123456789abcdef-1",
        root / "changes" / "0123456789abcdef",
        root / "git" / "refs" / "heads" / "main.lock",
        root / "git" / "objects" / "12" / "tmp_obj_abc",
        root / "views" / ".abcdef" / "file",
        root / "views" / ".abcdef.list",
    ]
    for file in leftovers:
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"")
    found = list(lake.verify())
    assert {problem.kind for problem in found} == {"leftover"}
    assert len(found) == 6
    assert lake.sweep(older_than=timedelta(days=1)).leftovers == 6
    lake.sweep(older_than=timedelta(days=1), dry_run=False)
    assert list(lake.verify()) == []


def test_a_leftover_lock_of_git_does_not_block(lake: Lake, root: Path, write, read) -> None:
    lake.create_branch("dev")
    for name in ("heads/main", "heads/dev", "heads/new", "tags/v1"):
        (root / "git" / "refs" / f"{name}.lock").write_bytes(b"")
    write("main", {"a": b"1"})
    lake.delete_branch("dev")
    lake.create_branch("new")
    lake.tag("v1", "main")
    assert read("v1") == read("new") == {"a": b"1"}
    assert list(lake.verify()) == []


def test_the_memory_of_checked_payloads_may_be_lost_or_spoilt(lake: Lake, root: Path, write, read) -> None:
    write("main", {"a": b"1", "p/b": b"2"})
    memory = root / "vouched.txt"
    for spoilt in ("", "nonsense\n1 2\n", memory.read_text()[:-20] + memory.read_text(), "\udcff\0"):
        memory.write_text(spoilt, errors="surrogateescape")
        fresh = open_lake(root)
        assert fresh.fetch("main", "a").read_bytes() == b"1"
        assert (fresh.fetch("main", "p/") / "b").read_bytes() == b"2"
    memory.unlink()
    assert open_lake(root).fetch("main", "a").read_bytes() == b"1"
