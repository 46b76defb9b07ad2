"""Reading through local files."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headwater.lake import InvalidName, Lake, NotFound


def tree(folder: Path) -> dict[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()
    }


def test_a_file_twice(lake: Lake, write) -> None:
    write("main", {"a": b"1"})
    first = lake.fetch("main", "a")
    assert first == lake.fetch("main", "a")
    assert first.read_bytes() == b"1"
    assert first.stat().st_mode & 0o222 == 0


def test_a_folder_keeps_names_and_versions(lake: Lake, write) -> None:
    files = {"p/a.txt": b"1", "p/s/b c.txt": b"2", "p/s/é": b"1", "q": b"3", "p2/x": b"4"}
    old = write("main", files).id
    first = lake.fetch("main", "p/")
    assert tree(first) == {"a.txt": b"1", "s/b c.txt": b"2", "s/é": b"1"}
    assert tree(lake.fetch("main", "p/s/")) == {"b c.txt": b"2", "é": b"1"}
    write("main", {"p/a.txt": b"9"})
    assert tree(lake.fetch("main", "p/"))["a.txt"] == b"9"
    assert lake.fetch(old, "p/") == first
    assert tree(first)["a.txt"] == b"1"
    for path in (first, first / "s", first / "a.txt"):
        assert path.stat().st_mode & 0o222 == 0


def test_what_is_not_there(lake: Lake, write) -> None:
    write("main", {"p/a": b"1"})
    for path in ("p", "a", "p/a/", "p/b", "q/", "p/a/b"):
        with pytest.raises(NotFound):
            lake.fetch("main", path)
    for path in ("", "/", "../x", "p//"):
        with pytest.raises(InvalidName):
            lake.fetch("main", path)
    with pytest.raises(NotFound):
        lake.fetch("nowhere", "p/a")


def test_parquet_is_read_in_place(lake: Lake, tmp_path: Path) -> None:
    table = pa.table({"id": list(range(1000))})
    pq.write_table(table, tmp_path / "part-00000.parquet")
    with lake.change("main", "x") as change:
        change.put_folder("p/", tmp_path)
    assert pq.read_table(lake.fetch("main", "p/part-00000.parquet"), memory_map=True) == table
    assert pq.read_table(lake.fetch("main", "p/")) == table


def test_many_threads_fetch_one_new_folder(lake: Lake, write) -> None:
    write("main", {f"p/{number}": b"%d" % number for number in range(100)})
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: lake.fetch("main", "p/"), range(32)))
    assert len(found) == 1
    assert len(tree(found.pop())) == 100
