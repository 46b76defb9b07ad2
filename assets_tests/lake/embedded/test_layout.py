"""Opening, making and recognizing the folder of a lake; what objects cost on disk."""

from __future__ import annotations

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from headwater.lake import Damaged, open_lake
from headwater.lake.embedded import EmbeddedLake


def test_a_lake_is_made_and_opened_again(tmp_path: Path) -> None:
    made = open_lake(tmp_path / "deep" / "lake")
    with made.change("main", "x") as change:
        change.put("a", b"1")
    assert open_lake(str(tmp_path / "deep" / "lake")).resolve("main") == made.resolve("main")


def test_many_make_one_lake_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        heads = set(pool.map(lambda _: open_lake(tmp_path / "lake").resolve("main"), range(8)))
    assert len(heads) == 1


def test_a_lake_half_made_is_finished(tmp_path: Path) -> None:
    whole = open_lake(tmp_path / "lake").resolve("main")
    (tmp_path / "lake" / "lake.json").unlink()
    assert open_lake(tmp_path / "lake").resolve("main") == whole


def test_other_folders_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter.txt").write_text("dear")
    with pytest.raises(ValueError, match="not empty"):
        open_lake(tmp_path / "home")
    with pytest.raises(ValueError, match="is a file"):
        open_lake(tmp_path / "home" / "letter.txt")
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["letter.txt"]


@pytest.mark.parametrize("location", ["", " ", "lakefs://repository", "https://example.org"])
def test_locations_that_are_no_folder(location: str) -> None:
    with pytest.raises(ValueError, match="location of the lake: expected"):
        open_lake(location)


def test_a_newer_or_broken_lake_is_not_touched(tmp_path: Path) -> None:
    open_lake(tmp_path / "lake")
    marker = tmp_path / "lake" / "lake.json"
    marker.write_text(json.dumps({"format": 3}))
    with pytest.raises(ValueError, match="format 3"):
        open_lake(tmp_path / "lake")
    marker.write_text("{")
    with pytest.raises(Damaged):
        open_lake(tmp_path / "lake")
    marker.write_text(json.dumps({"format": 2}))
    (tmp_path / "lake" / "objects").rename(tmp_path / "elsewhere")
    with pytest.raises(Damaged, match="objects"):
        open_lake(tmp_path / "lake")


def test_a_lake_of_the_time_before_deltas_is_opened(tmp_path: Path) -> None:
    head = open_lake(tmp_path / "lake").resolve("main")
    (tmp_path / "lake" / "deltas").rmdir()
    marker = tmp_path / "lake" / "lake.json"
    marker.write_text(json.dumps({"format": 1}))
    assert open_lake(tmp_path / "lake").resolve("main") == head
    assert json.loads(marker.read_text()) == {"format": 2}


def test_equal_content_is_kept_once(lake, root: Path, tmp_path: Path, write) -> None:
    write("main", {f"a/{number}": b"same" for number in range(50)})
    (tmp_path / "file").write_bytes(b"same")
    with lake.change("main", "x") as change:
        change.put("b", tmp_path / "file")
    assert len([file for file in (root / "objects").rglob("*") if file.is_file()]) == 1


def test_moving_within_the_file_system_copies_nothing(lake, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1" * 100)
    inode = (tmp_path / "a").stat().st_ino
    with lake.change("main", "x") as change:
        change.put_folder("p/", tmp_path, move=True)
    assert lake.fetch("main", "p/a").stat().st_ino == inode
    assert (lake.fetch("main", "p/") / "a").stat().st_ino == inode


def test_what_was_put_lately_is_young_however_old_its_file(lake, root: Path, tmp_path: Path) -> None:
    def fail() -> None:
        with lake.change("main", "x") as change:
            for name in "ab":
                (tmp_path / name).write_bytes(name.encode())
                os.utime(tmp_path / name, (0, 0))
                change.put(name, tmp_path / name, move=name == "a")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert lake.sweep(older_than=timedelta(minutes=5), dry_run=False).payloads == 0
    assert lake.sweep(older_than=timedelta(0), dry_run=False).payloads == 2


def test_moving_from_another_file_system(lake, tmp_path: Path) -> None:
    elsewhere = Path("/dev/shm")
    if not elsewhere.is_dir() or elsewhere.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("needs a second file system")
    source = elsewhere / f"headwater-{tmp_path.name}"
    for content in (b"small", b"large" * 1_000_000):
        source.write_bytes(content)
        with lake.change("main", "x") as change:
            change.put("a", source, move=True)
        assert not source.exists()
        assert lake.fetch("main", "a").read_bytes() == content


def test_a_branch_and_an_adoption_cost_the_same_whatever_the_size(root: Path, tmp_path: Path) -> None:
    lake = EmbeddedLake(root, durable=False)
    for number in range(3_000):
        (tmp_path / f"{number}").write_bytes(b"%d" % number)
    with lake.change("main", "x") as change:
        change.put_folder("p/data/", tmp_path)
    before = sum(1 for _ in (root / "git").rglob("*"))
    start = time.process_time()
    lake.create_branch("production", next(lake.log("main")).parents[0])
    with lake.change("production", "release") as change:
        change.adopt("p/", "main")
    spent = time.process_time() - start
    # One ref with its commit and root tree, not three thousand pointers.
    assert sum(1 for _ in (root / "git").rglob("*")) - before < 12
    assert spent < 0.5
    assert sum(1 for _ in lake.list("production")) == 3_000


def test_sweeping_removes_unused_locks(lake, root: Path) -> None:
    for number in range(5):
        lake.create_branch(f"run-{number}")
        lake.delete_branch(f"run-{number}")
    lake.create_branch("dev")
    lake.sweep(older_than=timedelta(0), dry_run=False)
    assert [file.name for file in (root / "locks").glob("branch-*")] == ["branch-dev.lock"]
