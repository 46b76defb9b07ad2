from __future__ import annotations

import os
from pathlib import Path

import pytest

from headwater.sources import Folder, ListingFailed, Refused


def listed(folder: Path, **settings: object) -> tuple[list[str], dict[str, str]]:
    """Paths of the offered files, and path → reason of the refused ones."""
    found = list(Folder.model_validate({"name": "src", "path": folder, **settings}).list())
    refused = {file.path: file.reason for file in found if isinstance(file, Refused)}
    return [file.path for file in found if not isinstance(file, Refused)], refused


def test_files_are_listed_in_the_order_of_their_paths(tmp_path: Path) -> None:
    for name in ("b.txt", "a/z.txt", "a/b/c.txt", "a.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    assert listed(tmp_path) == (["a/b/c.txt", "a/z.txt", "a.txt", "b.txt"], {})


def test_include_and_exclude(tmp_path: Path) -> None:
    for name in ("a.md", "b.txt", "drafts/c.md", ".git/d.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    assert listed(tmp_path, include=["*.md"]) == (["a.md", "drafts/c.md"], {})
    assert listed(tmp_path, include=["*.md"], exclude=["drafts"]) == ([".git/d.md", "a.md"], {})


def test_odd_files_are_refused_and_never_stop_the_listing(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "folder").mkdir(parents=True)
    (root / "good.txt").write_text("good")
    (root / "line\nbreak.txt").write_text("x")
    Path(os.fsdecode(os.fsencode(root) + b"/latin-\xe9.txt")).write_text("x")
    (root / "loop").symlink_to("loop")
    (root / "ping").symlink_to("pong")
    (root / "pong").symlink_to("ping")
    (root / "up").symlink_to("..")
    (root / "folder" / "again").symlink_to("../folder")
    (tmp_path / "secret.txt").write_text("x")
    (root / "outside.txt").symlink_to(tmp_path / "secret.txt")
    (root / "gone.txt").symlink_to("nowhere")
    (root / "inside.txt").symlink_to("good.txt")
    os.mkfifo(root / "pipe")
    (root / "big.txt").write_bytes(b"x" * 11)
    paths, refused = listed(root, max_file_bytes=10)
    assert paths == ["good.txt", "inside.txt"]
    assert refused == {
        "big.txt": "too_large",
        "folder/again": "folder_symlink",
        "gone.txt": "broken_symlink",
        "latin-\udce9.txt": "name_not_utf8",
        "line\nbreak.txt": "control_character_in_name",
        "loop": "symlink_loop",
        "outside.txt": "symlink_outside",
        "ping": "symlink_loop",
        "pipe": "not_a_file",
        "pong": "symlink_loop",
        "up": "folder_symlink",
    }


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o000)
    assert listed(tmp_path) == ([], {"closed": "unreadable"})


def test_a_missing_folder_fails_and_says_which_setting_to_change(tmp_path: Path) -> None:
    with pytest.raises(ListingFailed, match=r"'src'.*not a folder.*`path`"):
        listed(tmp_path / "absent")


def test_a_bad_name_and_unknown_fields_are_configuration_errors(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="name"):
        Folder(name="With Space", path=tmp_path)
    with pytest.raises(ValueError, match="includes"):
        listed(tmp_path, includes=["*"])


def test_a_file_that_was_just_written_has_no_token_to_trust(tmp_path: Path) -> None:
    (tmp_path / "new.txt").write_text("x")
    (file,) = Folder(name="src", path=tmp_path).list()
    assert not isinstance(file, Refused)
    assert file.token == ""
    assert file.current_token() != ""
