"""Lineage: back to raw digests, and one document forward through every tier."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny_product

from headwater.lake import NotFound
from headwater.versions.lineage import lineage
from headwater.versions.trail import trails


def test_a_release_leads_back_to_every_raw_digest(built) -> None:
    found = lineage(built.lake, "tiny/release", "production")
    nodes = {node.asset: node for node in found.nodes}
    assert set(nodes) == {
        "raw", "bronze", "silver", "chunks", "training_set", "embeddings", "index",
        "base_model", "model", "questions", "profile", "evaluation", "release",
    }  # fmt: skip
    assert all(node.run_id == built.result.run_id for node in nodes.values())
    assert nodes["index"].inputs.keys() == {"chunks", "embeddings"}
    assert nodes["chunks"].inputs["silver"] == nodes["silver"].id
    assert found.raw_total == len(found.raw_files) == 41
    for file in found.raw_files[:3]:
        stored = f"tiny/raw/objects/{file.digest[:2]}/{file.digest}"
        assert built.lake.stat(nodes["raw"].commit, stored).size == file.size


def test_an_object_stands_for_its_asset(built) -> None:
    assert lineage(built.lake, "tiny/silver/part-00000.parquet", "main").nodes[0].asset == "silver"
    with pytest.raises(NotFound, match="expected <product>/<asset>"):
        lineage(built.lake, "tiny", "main")
    with pytest.raises(NotFound, match="never published"):
        lineage(built.lake, "tiny/nothing", "main")


def test_a_document_is_followed_to_passages_questions_and_training_rows(built) -> None:
    (trail,) = trails(built.lake, "tiny", "docs/bucket-delete.jsonl", "main")
    steps = {step.asset: step for step in trail.steps}
    assert steps["raw"].outcome == steps["bronze"].outcome == "kept"
    assert steps["silver"].outcome in {"kept", "changed"}
    assert (steps["chunks"].outcome, steps["chunks"].count) == ("made", 1)
    assert steps["embeddings"].count == 1
    assert "Delete a bucket?" in steps["questions"].detail
    (example,) = [
        one
        for one in trails(built.lake, "tiny", "questions/questions.jsonl", "main")
        if one.uri.endswith("#bucket%2Fdelete")
    ]
    steps = {step.asset: step for step in example.steps}
    assert steps["chunks"].detail == "only of the sources docs"
    assert "labelled example in" in steps["training_set"].detail


def test_refusals_and_duplicates_are_told_with_their_reason(corpus: Path, lake_of, build_corpus) -> None:
    docs = corpus / "sources" / "docs"
    (docs / "zz-copy.jsonl").write_text((docs / "bucket-delete.jsonl").read_text())
    (docs / "broken.jsonl").write_text("{ no json\n")
    build_corpus(corpus)
    lake = lake_of(corpus)
    (copy,) = trails(lake, "tiny", "docs/zz-copy.jsonl", "main")
    silver = next(step for step in copy.steps if step.asset == "silver")
    assert silver.outcome == "refused"
    assert "exact_duplicate" in silver.detail
    assert copy.kept_instead == "docs/bucket-delete.jsonl#L1"
    (kept,) = trails(lake, "tiny", copy.kept_instead, "main")
    assert "kept for 1 duplicates" in next(step.detail for step in kept.steps if step.asset == "silver")
    broken = trails(lake, "tiny", "docs/broken.jsonl", "main")
    assert next(step for step in broken[0].steps if step.asset == "bronze").outcome == "refused"
    with pytest.raises(NotFound, match="no tier saw it"):
        trails(lake, "tiny", "docs/never.jsonl", "main")


def test_by_id(corpus: Path, lake_of) -> None:
    lake = lake_of(corpus)
    (by_uri,) = trails(lake, "tiny", "docs/bucket-delete.jsonl", "main")
    assert trails(lake, "tiny", by_uri.document_id, "main") == [by_uri]


def test_what_was_not_built_is_said(corpus: Path, lake_of) -> None:
    (trail,) = trails(lake_of(corpus), "tiny", "docs/bucket-delete.jsonl", "main")
    assert {step.asset: step.outcome for step in trail.steps}["training_set"] == "not built"
    assert tiny_product.PRODUCT == "tiny"


@pytest.mark.parametrize("store", ["embedded", "lakefs"])
def test_promotions_and_rollbacks_lead_on_to_the_run(corpus: Path, lake_of, build_corpus) -> None:
    tiny_product.write_document(corpus / "sources" / "docs", "bucket", "list", "Another text")
    run = build_corpus(corpus, branch="dev").run_id
    lake = lake_of(corpus)
    lake.merge("dev", "main", "Promote dev", {"promoted": "dev"})
    lake.create_branch("production")
    with lake.change("production", "Roll back", {"main_commit": lake.resolve("main")}) as change:
        change.delete("tiny/chunks/part-00000.parquet")
        change.put("tiny/chunks/part-00000.parquet", b"as if it were another release")
    found = lineage(lake, "tiny/silver", "main").nodes
    assert {node.run_id for node in found} == {run}
    assert lineage(lake, "tiny/chunks", "production").nodes[0].run_id == run
