"""Erasing payloads that history refers to: gone for good, named as erased, and not taken for damage."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater.lake import Gone
from headwater.lake.embedded import EmbeddedLake


@pytest.fixture
def lake(tmp_path: Path) -> EmbeddedLake:
    return EmbeddedLake(tmp_path / "lake", durable=False)


def test_the_erased_is_gone_from_payloads_and_folders_and_the_rest_stays(lake: EmbeddedLake) -> None:
    with lake.change("main", "two") as change:
        secret = change.put("a/secret", b"secret")
        change.put("a/open", b"open")
        change.put("b/open", b"open")
    before = lake.resolve("main")
    assert (lake.fetch("main", "a/") / "secret").read_bytes() == b"secret"
    with lake.change("main", "without") as change:
        change.delete("a/secret")
    assert lake.erase([secret.digest]) == (1, 6)
    for path in ("a/secret", "a/"):
        with pytest.raises(Gone):
            lake.fetch(before, path)
    assert not any(path.read_bytes() == b"secret" for path in lake.root.rglob("secret"))
    assert lake.fetch(before, "b/open").read_bytes() == b"open"
    assert (lake.fetch("main", "a/") / "open").read_bytes() == b"open"
    assert list(lake.verify(deep=True)) == []
    assert lake.erase([secret.digest]) == (0, 0)


def test_content_that_comes_back_is_kept_and_checked_again(lake: EmbeddedLake) -> None:
    with lake.change("main", "one") as change:
        item = change.put("a", b"content")
    lake.erase([item.digest])
    with lake.change("main", "again") as change:
        change.put("b", b"content")
    assert lake.fetch("main", "b").read_bytes() == b"content"
    stored = next(path for path in (lake.root / "objects").rglob("*") if path.is_file())
    stored.chmod(0o644)
    stored.write_bytes(b"rotten!")
    assert [problem.kind for problem in lake.verify(deep=True)] == ["wrong payload"]


def test_a_lake_with_a_list_of_the_erased_opens_again(lake: EmbeddedLake) -> None:
    with lake.change("main", "one") as change:
        item = change.put("a", b"content")
    lake.erase([item.digest])
    again = EmbeddedLake(lake.root)
    assert list(again.verify()) == []
    assert again.stat("main", "a").size == 7
