"""Releases and the way back: one commit, fast, and not undone by the next build."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import tiny_product

from headwater.curate.erasures import Erasure, Erasures
from headwater.fingerprint import canonical_json
from headwater.lake import Lake, open_lake
from headwater.lake.erased import erasures_path
from headwater.release import current_release, promote, releases
from headwater.serve import open_release
from headwater.versions.erased_releases import record_held
from headwater.versions.releases import HoldsErased, NoSuchRelease, details, released_products, rollback


def release(lake: Lake, home: Path, number: int, *, evaluation: str = "", parts: int = 0) -> None:
    """Publish a made-up product on `main` and release it."""
    decision = {
        "passed": True,
        "conditions": [],
        "parts": {"silver": f"v{parts or number}", "evaluation": evaluation or f"e{number}"},
    }
    with lake.change("main", f"build {number}") as change:
        change.put("p/silver/part-00000.parquet", f"rows {parts or number}".encode())
        change.put("p/release/decision.json", canonical_json(decision).encode())
        change.put("_meta/p/silver.json", canonical_json({"parts": parts or number}).encode())
    promote(lake, "p", commit=lake.resolve("main"), home=home, metadata={})


@pytest.fixture
def three(tmp_path: Path) -> Lake:
    lake = open_lake(tmp_path / "lake")
    for number in (1, 2, 3):
        release(lake, tmp_path, number)
    return lake


def name_of(lake: Lake) -> str:
    current = current_release(lake, "p")
    assert current is not None
    return current.name


def test_back_by_one_and_by_name_in_one_commit_each(three: Lake, tmp_path: Path) -> None:
    before = list(three.log("production"))
    done = rollback(three, "p", home=tmp_path)
    assert (done.release, done.before, done.moved) == ("p-v2", "p-v3", True)
    assert name_of(three) == "p-v2"
    after = list(three.log("production"))
    assert after[1:] == before
    assert after[0].metadata["rolled_back_from"] == "p-v3"
    assert list(three.diff("p-v2", "production")) == []
    assert rollback(three, "p", "p-v1", home=tmp_path).release == name_of(three) == "p-v1"
    assert not rollback(three, "p", "p-v1", home=tmp_path).moved
    with pytest.raises(NoSuchRelease, match="first one"):
        rollback(three, "p", home=tmp_path)
    assert rollback(three, "p", "p-v3", home=tmp_path).release == name_of(three) == "p-v3"


def test_unknown_names_are_answered_with_the_known_ones(three: Lake, tmp_path: Path) -> None:
    with pytest.raises(NoSuchRelease, match="p-v1, p-v2, p-v3"):
        rollback(three, "p", "p-v9", home=tmp_path)
    with pytest.raises(NoSuchRelease):
        rollback(three, "never", home=tmp_path)


def test_what_was_rolled_back_is_not_released_again(three: Lake, tmp_path: Path) -> None:
    rollback(three, "p", "p-v1", home=tmp_path)
    again = promote(three, "p", commit=three.resolve("main"), home=tmp_path, metadata={})
    assert not again.moved
    assert again.reason == "already released as p-v3"
    assert again.release is not None
    assert again.release.name == name_of(three) == "p-v1"


def test_the_same_parts_under_another_decision_are_not_released_again(three: Lake, tmp_path: Path) -> None:
    rollback(three, "p", "p-v1", home=tmp_path)
    release(three, tmp_path, 4, evaluation="against v1", parts=3)
    assert name_of(three) == "p-v1"
    assert [item.name for item in releases(three, "p")] == ["p-v1", "p-v2", "p-v3"]
    release(three, tmp_path, 5)
    assert name_of(three) == "p-v4", "new parts are released as ever"


def erase(lake: Lake, *entries: Erasure) -> None:
    with lake.change("main", "erase") as change:
        change.put(erasures_path("p"), Erasures(entries).as_bytes())


def test_back_to_a_version_that_held_what_was_erased_is_refused(three: Lake, tmp_path: Path) -> None:
    first, second = Erasure("docs/a.md", "1", "2", "a wish"), Erasure("docs/b.md", "3", "4")
    erase(three, first, second)
    record_held(three, "main", "p", [first], {"p-v1": ["silver"], "p-v2": []})
    with pytest.raises(
        HoldsErased, match=r"p-v1 held in silver what was erased since: docs/a\.md \(a wish\):"
    ):
        rollback(three, "p", "p-v1", home=tmp_path)
    with pytest.raises(
        HoldsErased, match=r"p-v2 may hold .* not looked through for it: docs/b\.md \(no reason"
    ):
        rollback(three, "p", home=tmp_path)
    assert name_of(three) == "p-v3"
    record_held(three, "main", "p", [second], {"p-v1": [], "p-v2": []})
    assert rollback(three, "p", home=tmp_path).release == name_of(three) == "p-v2"


def test_what_held_it_once_goes_on_holding_it(three: Lake, tmp_path: Path) -> None:
    entry = Erasure("docs/a.md", "1", "2")
    erase(three, entry)
    record_held(three, "main", "p", [entry], {"p-v1": ["silver"]})
    record_held(three, "main", "p", [entry], {"p-v1": ["chunks"], "p-v2": []})
    with pytest.raises(HoldsErased, match="held in chunks, silver"):
        rollback(three, "p", "p-v1", home=tmp_path)
    head = three.resolve("main")
    record_held(three, "main", "p", [entry], {"p-v1": [], "p-v2": []})
    assert three.resolve("main") == head, "nothing new"


def test_the_log_stays_where_production_goes_back(tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "lake")
    for number in (1, 2):
        with lake.change("main", "windows") as change:
            change.put("p/inference/part-00000.parquet", f"asked {number}".encode())
        release(lake, tmp_path, number)
    rollback(lake, "p", home=tmp_path)
    assert name_of(lake) == "p-v1"
    changed = sorted(change.path for change in lake.diff("p-v1", "production"))
    assert changed == ["p/inference/part-00000.parquet"]
    assert lake.fetch("production", changed[0]).read_bytes() == b"asked 2"


def test_ten_thousand_objects_go_back_in_under_two_seconds(tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "lake")
    for number in (1, 2):
        with lake.change("main", "many") as change:
            for index in range(5_000 * number):
                change.put(f"p/raw/objects/{index % 256:02x}/{index}", f"{number} {index}".encode())
        release(lake, tmp_path, number)
    started = time.process_time()
    rollback(lake, "p", home=tmp_path)
    assert time.process_time() - started < 2
    assert name_of(lake) == "p-v1"


def test_details_name_scores_and_versions(built) -> None:
    assert released_products(built.lake) == ["tiny"]
    (found,) = details(built.lake, "tiny")
    assert (found.name, found.in_production) == ("tiny-v1", True)
    assert found.scores["hybrid/recall@10"] > 0
    assert found.versions == built.versions()


def test_the_service_answers_from_the_release_that_was_gone_back_to(copy) -> None:
    docs = copy.folder / "sources" / "docs"
    tiny_product.write_document(docs, "bucket", "delete", "Empties a bucket and then takes it away for good")
    # The index alone decides what is found; the made-up decision saves training and evaluation here.
    result = tiny_product.build_tiny(
        copy.folder,
        sources=copy.folder / "sources",
        select=["raw", "bronze", "silver", "chunks", "embeddings", "index"],
    )
    assert result.succeeded, result.reason
    lake, home = copy.lake, copy.folder / "home"
    decision = {"passed": True, "conditions": [], "parts": {"index": "other"}}
    with lake.change("main", "decide") as change:
        change.put("tiny/release/decision.json", canonical_json(decision).encode())
    promote(lake, "tiny", commit=lake.resolve("main"), home=home, metadata={})
    query = "takes it away for good"
    assert "takes it away" in open_release(lake, "tiny").search(query, 1)[0].text
    rollback(lake, "tiny", home=home)
    released = open_release(lake, "tiny")
    assert released.release == "tiny-v1"
    assert not any("takes it away" in hit.text for hit in released.search(query, 10))
