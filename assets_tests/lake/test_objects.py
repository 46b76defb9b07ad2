"""Putting, finding and listing objects."""

from __future__ import annotations

import hashlib
import os
import tracemalloc
from pathlib import Path

import pytest

from headwater.lake import InvalidName, Lake, NotFound, Object


def test_bytes_size_digest_and_metadata_come_back(lake: Lake) -> None:
    metadata = {"rows": "12", "ключ": "значение", "empty": "", "long": "x" * 4096, "lines": "a\nb"}
    with lake.change("main", "one") as change:
        put = change.put("a/b.txt", b"content", metadata)
    assert put == Object("a/b.txt", 7, hashlib.sha256(b"content").hexdigest(), metadata)
    assert lake.stat("main", "a/b.txt") == put
    assert lake.fetch("main", "a/b.txt").read_bytes() == b"content"


def test_zero_bytes(lake: Lake, write, read) -> None:
    write("main", {"empty": b""})
    assert lake.stat("main", "empty").size == 0
    assert read("main") == {"empty": b""}


@pytest.mark.parametrize("move", [False, True])
def test_200_mebibytes_in_little_memory(lake: Lake, tmp_path: Path, move: bool) -> None:
    source = tmp_path / "large"
    block = os.urandom(1 << 20)
    with source.open("wb") as stream:
        for number in range(200):
            stream.write(number.to_bytes(8, "big") + block[8:])
    digest = hashlib.file_digest(source.open("rb"), "sha256").hexdigest()
    tracemalloc.start()
    with lake.change("main", "large") as change:
        put = change.put("large", source, move=move)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (put.size, put.digest) == (200 << 20, digest)
    assert hashlib.file_digest(lake.fetch("main", "large").open("rb"), "sha256").hexdigest() == digest
    assert peak < 32 << 20
    assert source.exists() is not move


def test_a_source_that_is_missing_or_no_file(lake: Lake, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    head = lake.resolve("main")
    with pytest.raises(FileNotFoundError), lake.change("main", "x") as change:
        change.put("a", tmp_path / "missing")
    for source in (link, tmp_path):
        with pytest.raises(InvalidName), lake.change("main", "x") as change:
            change.put("a", source)
    assert lake.resolve("main") == head


@pytest.mark.parametrize("metadata", [{"rows": 3}, {1: "a"}, {"a": "\udc80"}])
def test_metadata_other_than_text_is_refused(lake: Lake, metadata) -> None:
    with pytest.raises(ValueError, match=r"expected text|not text"), lake.change("main", "x") as change:
        change.put("a", b"", metadata)
    with pytest.raises(ValueError, match=r"expected text|not text"):
        lake.change("main", "x", metadata)


@pytest.mark.parametrize(
    "files",
    [
        {"a": b"1", "a/b": b"2"},
        {"a/b": b"2", "a": b"1"},
        {"x/a": b"1", "x/a/b/c": b"2"},
    ],
)
def test_an_object_beside_a_folder_of_its_name_is_refused(lake: Lake, write, read, files) -> None:
    first, second = files.items()
    write("main", dict([first]))
    with pytest.raises(InvalidName):
        write("main", dict([second]))
    assert read("main") == dict([first])
    lake.create_branch("other", next(lake.log("main")).parents[0])
    with pytest.raises(InvalidName):
        write("other", files)


def test_an_object_may_become_a_folder_in_one_change(write, read) -> None:
    write("main", {"a": b"1", "b/c": b"2"})
    write("main", {"a/b": b"3", "a": None, "b": b"4", "b/c": None})
    assert read("main") == {"a/b": b"3", "b": b"4"}


def test_stat_of_what_is_no_object(lake: Lake, write) -> None:
    write("main", {"a/b": b""})
    for path in ("a", "b", "a/b/c", "a/c"):
        with pytest.raises(NotFound):
            lake.stat("main", path)
    with pytest.raises(NotFound):
        lake.stat("nowhere", "a/b")


def test_listing_is_in_byte_order_of_whole_paths(lake: Lake, write) -> None:
    paths = ["a", "a-b", "a.b/c", "ab", "a0/x", "b/a", "b/a-", "b/a.txt", "é", "z", "Z", "🙂", "\uffee"]
    write("main", dict.fromkeys(paths, b""))
    ordered = sorted(paths, key=str.encode)
    assert [entry.path for entry in lake.list("main")] == ordered
    for index, path in enumerate(ordered):
        assert [entry.path for entry in lake.list("main", after=path)] == ordered[index + 1 :]
    assert [entry.path for entry in lake.list("main", "a")] == [p for p in ordered if p.startswith("a")]
    assert [entry.path for entry in lake.list("main", "b/a.", after="b/a-")] == ["b/a.txt"]
    assert [entry.path for entry in lake.list("main", limit=3)] == ordered[:3]
    assert [entry.path for entry in lake.list("main", after="a-b/zzz", limit=1)] == ["a.b/c"]
    assert list(lake.list("main", "nothing")) == []
    with pytest.raises(NotFound):
        lake.list("nowhere")


def test_listing_in_pages(lake: Lake, tmp_path: Path) -> None:
    for number in range(2_500):
        folder = tmp_path / "many" / str(number % 7)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}").write_bytes(b"%d" % number)
    with lake.change("main", "many") as change:
        change.put_folder("many/", tmp_path / "many")
    whole = [entry.path for entry in lake.list("main", "many/")]
    pages: list[str] = []
    while page := [entry.path for entry in lake.list("main", after=pages[-1] if pages else "", limit=999)]:
        pages.extend(page)
    assert len(whole) == 2_500
    assert pages == whole == sorted(whole)
