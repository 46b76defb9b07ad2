"""The promises of the README: from sources to a release, only what changed, only what is good."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny_product
from tiny_product import PRODUCT, build_tiny

from headwater.building import UnknownAsset, UnknownProduct, build
from headwater.lake.records import read_record
from headwater.release import current_release, releases
from headwater.serve import open_release
from headwater.tables import read_json, read_rows

ASSETS = {
    "raw", "bronze", "silver", "chunks", "training_set", "embeddings", "index",
    "base_model", "model", "questions", "profile", "evaluation", "release",
}  # fmt: skip


def test_everything_is_published_and_released(built) -> None:
    result = built.result
    assert result.succeeded, result.reason
    assert {name for name, item in result.assets.items() if item.outcome == "published"} == ASSETS
    assert (result.release, result.verdict) == (f"{PRODUCT}-v1", f"gate passed: released {PRODUCT}-v1")
    assert built.versions("production") == built.versions("main")
    assert built.lake.resolve(f"{PRODUCT}-v1") == built.lake.resolve("production")
    assert set(built.lake.refs("branch")) == {"main", "production"}


def test_every_number_leads_back_to_a_commit(built) -> None:
    lake = built.lake
    for name in ASSETS:
        record = read_record(lake, "main", PRODUCT, name)
        assert record is not None
        assert record.data_version == built.result.assets[name].data_version == built.versions()[name]
        for entry in record.upstream.values():
            assert lake.resolve(entry["commit"]) == entry["commit"]


def test_a_released_product_answers_with_citations_that_lead_to_the_raw_bytes(built) -> None:
    answer = open_release(built.lake, PRODUCT).ask("Delete a bucket?")
    first = answer.citations[0]
    assert first.title == "bucket delete-bucket"
    raw = built.lake.fetch(first.commit, f"{PRODUCT}/raw/objects/{first.raw_digest[:2]}/{first.raw_digest}")
    assert "bucket delete-bucket" in json.loads(raw.read_text())["text"]
    silver = next(
        row for row in read_rows(built.lake.fetch(first.commit, f"{PRODUCT}/silver/"))
        if row["document_id"] == first.document_id
    )  # fmt: skip
    assert silver["text"][first.start : first.end] == first.text
    assert answer.text


def test_the_evaluation_compares_retrievers_and_the_model_before_and_after(built) -> None:
    folder = built.lake.fetch("main", f"{PRODUCT}/evaluation/")
    metrics = read_json(folder / "evaluation.json")["metrics"]
    for retriever in ("dense", "bm25", "hybrid"):
        assert 0 < metrics[f"{retriever}/recall@10"] <= 1
    assert metrics["language_model/loss_before"] > 0
    assert metrics["language_model/loss_after"] != metrics["language_model/loss_before"]
    page = (folder / "report.html").read_text()
    assert "<html" in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_unchanged_means_no_commit_and_no_release(built) -> None:
    before = built.lake.refs("branch"), built.lake.refs("tag")
    again = build_tiny(built.folder)
    assert again.succeeded
    assert {item.outcome for item in again.assets.values()} == {"unchanged"}
    assert (built.lake.refs("branch"), built.lake.refs("tag")) == before
    assert again.verdict == f"already released as {PRODUCT}-v1; production holds {PRODUCT}-v1"


@pytest.mark.thorough
def test_two_lakes_built_from_the_same_sources_are_equal(built, new_folder: Callable[[], Path]) -> None:
    other = new_folder()
    result = build_tiny(other, sources=built.folder / "sources")
    assert result.succeeded
    assert {name: item.data_version for name, item in result.assets.items()} == built.versions()


def test_a_changed_document_makes_only_what_depends_on_it(copy) -> None:
    docs = copy.folder / "sources" / "docs"
    tiny_product.write_document(
        docs, "bucket", "delete", "Empties a bucket and then takes it away from the account"
    )
    result = build_tiny(copy.folder, sources=copy.folder / "sources")
    assert result.succeeded, result.reason
    outcome = {name: item.outcome for name, item in result.assets.items()}
    assert outcome["base_model"] == "unchanged"
    assert {outcome[name] for name in ("raw", "bronze", "silver", "chunks", "embeddings", "index")} == {
        "published"
    }
    record = read_record(copy.lake, "main", PRODUCT, "embeddings")
    assert record is not None
    assert record.metrics["embedded"] == 1
    assert result.release == f"{PRODUCT}-v2"
    assert [release.name for release in releases(copy.lake, PRODUCT)] == [f"{PRODUCT}-v1", f"{PRODUCT}-v2"]


def test_a_vanished_document_is_gone_from_every_tier(copy) -> None:
    (copy.folder / "sources" / "docs" / "fleet-tag.jsonl").unlink()
    result = build_tiny(
        copy.folder, sources=copy.folder / "sources", select=["raw", "bronze", "silver", "chunks"]
    )
    assert result.succeeded, result.reason
    for asset in ("raw", "bronze", "silver", "chunks"):
        uris = [row["uri"] for row in read_rows(copy.lake.fetch("main", f"{PRODUCT}/{asset}/"), ["uri"])]
        assert not any("fleet-tag" in uri for uri in uris)


def test_a_source_that_lost_most_of_its_files_stops_the_run(copy) -> None:
    head = copy.lake.resolve("main")
    for path in list((copy.folder / "sources" / "docs").iterdir())[:30]:
        path.unlink()
    result = build_tiny(copy.folder, sources=copy.folder / "sources")
    assert not result.succeeded
    assert "max_shrink" in result.reason
    assert copy.lake.resolve("main") == head


def test_a_refusing_gate_moves_nothing_and_says_why(copy) -> None:
    before = copy.versions("production")
    strict = {"evaluation": {"gate": {"minimum": {"bm25/recall@1": 1.0}}}}
    result = build_tiny(copy.folder, sources=copy.folder / "sources", overrides=strict)
    assert result.succeeded
    assert result.verdict.startswith("gate refused: minimum bm25/recall@1")
    assert copy.versions("production") == before
    released = current_release(copy.lake, PRODUCT)
    assert released is not None
    assert released.name == f"{PRODUCT}-v1"


def test_a_branch_is_a_copy_free_environment(copy) -> None:
    before = copy.lake.resolve("main"), copy.lake.resolve("production")
    tiny_product.write_document(
        copy.folder / "sources" / "docs", "bucket", "list", "Shows all that is in a bucket"
    )
    result = build_tiny(
        copy.folder,
        sources=copy.folder / "sources",
        branch="pr-1",
        select=["raw", "bronze", "silver", "chunks"],
    )
    assert result.succeeded, result.reason
    assert (copy.lake.resolve("main"), copy.lake.resolve("production")) == before
    assert copy.versions("pr-1")["chunks"] != copy.versions("main")["chunks"]
    assert copy.versions("pr-1")["model"] == copy.versions("main")["model"]


def test_unknown_names_are_answered_with_the_known_ones(built) -> None:
    with pytest.raises(UnknownProduct, match=PRODUCT):
        build("nothing", definitions=tiny_product.definitions(built.folder / "sources"))
    with pytest.raises(UnknownAsset, match="training_set"):
        build_tiny(built.folder, select=["trainingset"])
