"""The erasure list: what raw and bronze do with it, and that it says nothing of what was erased."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny_product

from headwater.curate.erasures import Erasure, Erasures
from headwater.lake import open_lake
from headwater.lake.erased import erasures_at, erasures_path, erasures_pin
from headwater.tables import read_rows


def put(folder: Path, *entries: Erasure) -> None:
    with open_lake(folder / "home" / "lake").change("main", "erase") as change:
        change.put(erasures_path("tiny"), Erasures(entries).as_bytes())


def rows(folder: Path, dataset: str) -> list[dict]:
    asset, _, part = dataset.partition("/")
    return list(read_rows(open_lake(folder / "home" / "lake").fetch("main", f"tiny/{asset}/") / part))


def test_equal_lists_have_equal_bytes_and_survive_the_way_there_and_back(tmp_path: Path) -> None:
    entries = [Erasure("b", "2", "d"), Erasure("a", "", "f")]
    (tmp_path / "list").write_bytes(Erasures(entries).as_bytes())
    again = Erasures.read(tmp_path / "list")
    assert again.entries == Erasures(reversed(entries)).entries
    assert again.fingerprint == Erasures(entries).fingerprint != Erasures().fingerprint == ""
    assert again.with_more([Erasure("b", "2", "d", "later")]).entries == again.entries
    assert again.beyond(Erasures(entries[:1])) == 1


def test_without_a_list_nothing_is_pinned(corpus: Path) -> None:
    lake = open_lake(corpus / "home" / "lake")
    assert erasures_pin(lake, lake.resolve("main"), "tiny") == {}
    assert erasures_at(lake, "main", "tiny").entries == ()


def test_an_erased_file_is_not_kept_by_name_nor_under_another_one(corpus: Path, build_corpus) -> None:
    docs = corpus / "sources" / "docs"
    (docs / "other.jsonl").write_bytes((docs / "bucket-list.jsonl").read_bytes())
    digest = next(row["digest"] for row in rows(corpus, "raw") if row["uri"] == "docs/bucket-list.jsonl")
    put(corpus, Erasure("docs/bucket-list.jsonl", "", digest))
    build_corpus(corpus)
    assert not any(row["digest"] == digest for row in rows(corpus, "raw"))
    refused = {row["uri"]: row for row in rows(corpus, "raw/quarantine")}
    assert {row["reason"] for row in refused.values()} == {"erased"}
    assert refused.keys() == {"docs/bucket-list.jsonl", "docs/other.jsonl"}
    assert {row["excerpt"] for row in refused.values()} == {""}
    lake = open_lake(corpus / "home" / "lake")
    assert list(lake.list("main", f"tiny/raw/objects/{digest[:2]}/{digest}")) == []


def test_an_erased_document_leaves_its_neighbours_in_the_file(corpus: Path, build_corpus) -> None:
    row = next(row for row in rows(corpus, "bronze") if row["uri"].endswith("#bucket%2Flist"))
    put(corpus, Erasure(row["uri"], row["document_id"], row["text_digest"]))
    before = len(rows(corpus, "bronze"))
    build_corpus(corpus)
    assert len(rows(corpus, "bronze")) == before - 1
    (refused,) = rows(corpus, "bronze/quarantine")
    assert (refused["reason"], refused["excerpt"], refused["document_id"]) == (
        "erased",
        "",
        row["document_id"],
    )
    assert not any(one["document_id"] == row["document_id"] for one in rows(corpus, "silver"))


def test_taking_an_entry_off_the_list_brings_the_document_back(corpus: Path, build_corpus) -> None:
    before = open_lake(corpus / "home" / "lake").resolve("main")
    row = next(row for row in rows(corpus, "bronze") if row["uri"].endswith("#bucket%2Flist"))
    put(corpus, Erasure(row["uri"], row["document_id"], row["text_digest"]))
    build_corpus(corpus)
    put(corpus)
    build_corpus(corpus)
    assert list(open_lake(corpus / "home" / "lake").diff(before, "main", "tiny/chunks/")) == []
    assert len(rows(corpus, "silver")) == 80


def test_most_of_a_source_may_be_erased_at_once(corpus: Path, build_corpus) -> None:
    files = [row for row in rows(corpus, "raw") if row["source"] == "docs"][:30]
    put(corpus, *(Erasure(row["uri"], "", row["digest"]) for row in files))
    build_corpus(corpus)
    assert len(rows(corpus, "raw")) == 11


@pytest.mark.parametrize("incremental", [True, False])
def test_an_incremental_build_equals_a_full_one(
    corpus: Path, tmp_path: Path, build_corpus, incremental: bool
) -> None:
    row = next(row for row in rows(corpus, "bronze") if row["uri"].endswith("#bucket%2Flist"))
    entry = Erasure(row["uri"], row["document_id"], row["text_digest"])
    folder = corpus if incremental else tmp_path / "fresh"
    if not incremental:
        tiny_product.write_sources(folder / "sources")
    put(folder, entry)
    build_corpus(folder)
    lake = open_lake(folder / "home" / "lake")
    found = {item.path: item.digest for item in lake.list("main", "tiny/bronze/")}
    reference = tmp_path / "reference"
    tiny_product.write_sources(reference / "sources")
    put(reference, entry)
    build_corpus(reference)
    expected = {
        item.path: item.digest for item in open_lake(reference / "home" / "lake").list("main", "tiny/bronze/")
    }
    assert found == expected
