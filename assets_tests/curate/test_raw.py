from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from headwater.curate import RawMaker
from headwater.fingerprint import digest_bytes, digest_file
from headwater.schemas import QUARANTINE, RAW
from headwater.sources import Folder, ListingFailed, ListingShrank
from headwater.sources.files import LocalFile
from headwater.tables import read_rows
from headwater.workspace import Workspace

MakeWorkspace = Callable[..., Workspace]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "source"
    for index in range(10):
        path = root / f"d{index % 2}" / f"{index}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"text {index}")
    return root


def maker(folder: Path, **settings: object) -> RawMaker:
    return RawMaker.model_validate(
        {"sources": [{"kind": "folder", "name": "src", "path": folder}], **settings}
    )


def settle() -> None:
    """Let the files grow old enough that their change tokens are trusted."""
    time.sleep(0.15)


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): digest_file(path) for path in folder.rglob("*") if path.is_file()}


def uris(folder: Path) -> list[str]:
    return [row["uri"] for row in read_rows(folder)]


def test_manifest_objects_and_quarantine(folder: Path, workspace: MakeWorkspace) -> None:
    (folder / "copy.txt").write_text("text 0")
    (folder / "a#b%.md").write_text("# title")
    (folder / "bad\nname.txt").write_text("x")
    space = workspace("raw")
    produced = maker(folder)(space)
    assert RAW.audit(space.out).passed
    assert QUARANTINE.audit(space.out / "quarantine").passed
    rows = {row["uri"]: row for row in read_rows(space.out)}
    assert produced.rows == len(rows) == 12
    assert list(rows) == sorted(rows)
    assert rows["src/a%23b%25.md"]["media_type"] == "text/markdown"
    assert rows["src/copy.txt"]["digest"] == rows["src/d0/0.txt"]["digest"] == digest_bytes(b"text 0")
    for row in rows.values():
        assert digest_file(space.out / "objects" / row["digest"][:2] / row["digest"]) == row["digest"]
    assert produced.refused == {"control_character_in_name": 1}
    (refused,) = read_rows(space.out / "quarantine")
    assert refused["uri"] == "src/bad\\nname.txt"
    assert refused["raw_digest"] is None


def test_equal_folders_give_equal_bytes(folder: Path, tmp_path: Path, workspace: MakeWorkspace) -> None:
    first, second = workspace("one"), workspace("two")
    maker(folder)(first)
    folder.rename(tmp_path / "moved")
    maker(tmp_path / "moved")(second)
    assert contents(first.out) == contents(second.out)
    assert not list(first.scratch.iterdir())


def test_unchanged_files_are_not_read_again(folder: Path, workspace: MakeWorkspace) -> None:
    settle()
    first = workspace("one")
    assert maker(folder)(first).metrics["files_read"] == 10
    (folder / "d0" / "0.txt").write_text("other")
    (folder / "d0" / "2.txt").unlink()
    (folder / "new.txt").write_text("new")
    settle()
    second, rebuilt = workspace("two", previous=first.out), workspace("three")
    metrics = maker(folder)(second).metrics
    assert (metrics["files_read"], metrics["files_reused"]) == (2, 8)
    assert "src/d0/2.txt" not in uris(second.out)
    maker(folder)(rebuilt)
    assert contents(second.out) == contents(rebuilt.out)


def test_a_change_that_keeps_size_and_modification_time_is_seen(
    folder: Path, workspace: MakeWorkspace
) -> None:
    settle()
    first, second = workspace("one"), workspace("two")
    maker(folder)(first)
    path = folder / "d0" / "0.txt"
    before = path.stat()
    path.write_text("TEXT 0")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    settle()
    maker(folder)(workspace("two", previous=first.out))
    assert digest_bytes(b"TEXT 0") in {row["digest"] for row in read_rows(second.out)}


def test_a_lost_previous_version_or_cache_costs_time_only(folder: Path, workspace: MakeWorkspace) -> None:
    settle()
    first = workspace("one")
    maker(folder)(first)
    assert maker(folder)(workspace("two")).metrics["files_read"] == 10
    for path in first.cache.iterdir():
        path.write_text('{"d0/0.txt": 7}')
    assert maker(folder)(workspace("three", previous=first.out)).metrics["files_read"] == 10


def test_a_listing_that_shrinks_too_much_stops(folder: Path, workspace: MakeWorkspace) -> None:
    first = workspace("one")
    maker(folder)(first)
    for index in range(6):
        (folder / f"d{index % 2}" / f"{index}.txt").unlink()
    with pytest.raises(ListingShrank, match=r"4 files where it had 10: 60% fewer.*set max_shrink to 0.61"):
        maker(folder)(workspace("two", previous=first.out))
    assert maker(folder, max_shrink=0.6)(workspace("three", previous=first.out)).rows == 4


def test_an_empty_listing_stops_even_the_first_time(tmp_path: Path, workspace: MakeWorkspace) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ListingFailed, match="no file at all"):
        maker(tmp_path / "empty")(workspace("one"))
    assert maker(tmp_path / "empty", max_shrink=1)(workspace("two")).rows == 0


def test_a_file_that_changes_while_it_is_read_is_tried_twice(
    folder: Path, workspace: MakeWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    real = LocalFile.open

    def open_and_write(file: LocalFile):
        opened.append(file.path)
        stream = real(file)
        if file.path == "d0/0.txt" or (file.path == "d0/2.txt" and opened.count(file.path) == 1):
            with file.location.open("a") as other:
                other.write("more")
        if file.path == "d0/4.txt":
            file.location.unlink(missing_ok=True)
        return stream

    monkeypatch.setattr(LocalFile, "open", open_and_write)
    space = workspace("raw")
    produced = maker(folder)(space)
    assert produced.refused == {"changed_while_reading": 1, "vanished": 1}
    assert produced.rows == 8
    assert digest_bytes(b"text 2more") in {row["digest"] for row in read_rows(space.out)}
    assert not (space.out / "objects" / "partial").exists()


def test_configuration_errors_name_the_field(folder: Path) -> None:
    source = Folder(name="src", path=folder)
    with pytest.raises(ValueError, match="repeated: src"):
        RawMaker(sources=(source, source))
    with pytest.raises(ValueError, match="max_shrink"):
        maker(folder, max_shrink=2)
    with pytest.raises(ValueError, match="sources"):
        RawMaker(sources=())
