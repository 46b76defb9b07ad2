"""Which names are allowed: on every store the same, before anything is stored."""

from __future__ import annotations

import unicodedata
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.lake import InvalidName, Lake, open_lake
from headwater.lake.names import check_path

REFUSED = {
    "empty": "",
    "absolute": "/a",
    "trailing slash": "a/",
    "empty part": "a//b",
    "dot": "a/./b",
    "dot dot": "../a",
    "dot dot inside": "a/../b",
    "backslash": "a\\b",
    "NUL": "a\0b",
    "line break": "a\nb",
    "tab": "a\tb",
    "delete": "a\x7f",
    "C1 control": "a\x85b",
    "surrogate": "a\udc80",
    "git folder": ".git/config",
    "git folder in capitals": "a/.GIT/x",
    "git folder, short name": "GIT~1/x",
    "git folder, stream": ".git:x",
    "git folder, invisible letter": ".g\u200cit/x",
    "ends in dot": "a./b",
    "ends in space": "a /b",
    "device": "con",
    "device with extension": "a/NUL.txt",
    "numbered device": "lpt1",
    "long path": "/".join(["a" * 100] * 11),
    "long part": "é" * 128,
}

ACCEPTED = [
    "a",
    "a b/c d.txt",
    "a+b&c%d#e?f",
    "%2e%2e/x",
    "Ünï/çödé/文書/🙂.parquet",
    "…",
    ".hidden",
    ".gitignore",
    "console.txt",
    "a:b",
    "'quotes\"",
    "~",
    "--option",
    "x" * 255,
]


@pytest.mark.parametrize("path", REFUSED.values(), ids=REFUSED.keys())
def test_refused_paths(lake: Lake, path: str) -> None:
    head = lake.resolve("main")
    with pytest.raises(InvalidName), lake.change("main", "bad") as change:
        change.put(path, b"x")
    assert lake.resolve("main") == head


def test_accepted_paths_come_back(lake: Lake, write, read) -> None:
    files = {path: path.encode() for path in ACCEPTED}
    write("main", files)
    assert read("main") == files


def test_paths_are_composed(lake: Lake, write, read) -> None:
    composed, decomposed = "caf\u00e9/\u00e9", "cafe\u0301/e\u0301"
    write("main", {decomposed: b"x"})
    assert read("main") == {composed: b"x"}
    assert lake.stat("main", decomposed).path == composed
    assert [entry.path for entry in lake.list("main", "cafe\u0301/")] == [composed]
    assert (lake.fetch("main", "cafe\u0301/") / "\u00e9").read_bytes() == b"x"


@pytest.mark.parametrize(
    "name", ["", "a/b", "a.b", "-a", "a b", "é", "a" * 101, "a\n", "f" * 40, "0" * 64, "HEAD~1"]
)
def test_refused_branches(lake: Lake, name: str) -> None:
    with pytest.raises(InvalidName):
        lake.create_branch(name)


@pytest.mark.parametrize("name", ["", "a/b", ".a", "a.", "a..b", "-a", "a.lock", "v 1", "f" * 40])
def test_refused_tags(lake: Lake, name: str) -> None:
    with pytest.raises(InvalidName):
        lake.tag(name, "main")


@pytest.mark.parametrize("name", ["v1.2.0", "model-x-v3", "a" * 100, "_", "2026-11-22"])
def test_accepted_tags(lake: Lake, name: str) -> None:
    assert lake.tag(name, "main") == lake.resolve(name)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_every_accepted_path_can_be_stored(tmp_path_factory: pytest.TempPathFactory, path: str) -> None:
    try:
        checked = check_path(path)
    except InvalidName:
        return
    assert checked == unicodedata.normalize("NFC", path)
    lake = open_lake(tmp_path_factory.mktemp("lake"))
    with lake.change("main", "one") as change:
        change.put(f"folder/{path}", b"x")
    assert [entry.path for entry in lake.list("main")] == [f"folder/{checked}"]
    assert (lake.fetch("main", "folder/") / checked).read_bytes() == b"x"


@given(st.text(max_size=60))
def test_checking_a_path_raises_nothing_else_and_is_idempotent(path: str) -> None:
    with suppress(InvalidName):
        assert check_path(check_path(path)) == check_path(path)
