"""Folders of large files, which are taken in several at a time."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from headwater.fingerprint import digest_bytes
from headwater.lake import Lake

LARGE = (1 << 20) + 1


@pytest.fixture
def contents(tmp_path: Path) -> dict[str, bytes]:
    """Nine large files below `made`, two of them equal, and a small one; by name."""
    found = {f"deep/{number}": os.urandom(LARGE) for number in range(8)}
    found |= {"equal": found["deep/3"], "small": b"x"}
    (tmp_path / "made/deep").mkdir(parents=True)
    for name, data in found.items():
        (tmp_path / "made" / name).write_bytes(data)
    return found


@pytest.mark.parametrize("move", [True, False])
def test_all_files_of_a_folder_arrive_in_order(
    lake: Lake, tmp_path: Path, contents: dict[str, bytes], move: bool
) -> None:
    with lake.change("main", "large") as change:
        stored = change.put_folder("p/", tmp_path / "made", move=move)
    assert [(entry.path, entry.digest) for entry in stored] == [
        (f"p/{name}", digest_bytes(contents[name])) for name in sorted(contents)
    ]
    assert [found.path for found in lake.list("main")] == [entry.path for entry in stored]
    left = sum(file.is_file() for file in (tmp_path / "made").rglob("*"))
    assert left == (0 if move else len(contents))
    assert list(lake.verify(deep=True)) == []


def test_a_file_that_cannot_be_taken_in_leaves_nothing(
    lake: Lake, root: Path, tmp_path: Path, contents: dict[str, bytes]
) -> None:
    blocked = digest_bytes(contents["deep/5"])
    (root / "objects" / blocked[:2]).write_bytes(b"no folder")
    with pytest.raises(OSError, match=blocked[:2]), lake.change("main", "large") as change:
        change.put_folder("p/", tmp_path / "made")
    assert list(lake.list("main")) == []
    assert list((root / "tmp").iterdir()) == []
