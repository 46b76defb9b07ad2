"""Erasure: gone from everything current, found in the past, unreadable once swept."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny_product
from readable import everything

from headwater.fingerprint import digest_json
from headwater.lake import Gone, NotFound
from headwater.settings import Settings
from headwater.tables import read_rows
from headwater.versions.erasure_report import as_json, markdown, write
from headwater.versions.forgetting import CannotSweep, Forgotten, forget
from headwater.versions.selection import Wanted, select

SECRET = "Reach Ada Example at extension 4711"


@pytest.fixture
def erase(corpus: Path, settings_of) -> Callable[..., Forgotten]:
    """Forget something of the corpus, in which one document holds the secret and another copies it."""

    def run(wanted: Wanted, **options) -> Forgotten:
        definitions = tiny_product.definitions(corpus / "sources")
        return forget(settings_of(corpus), "tiny", wanted, definitions=definitions, **options)

    return run


@pytest.fixture
def secret(corpus: Path, build_corpus) -> Path:
    docs = corpus / "sources" / "docs"
    tiny_product.write_document(docs, "bucket", "list", SECRET)
    (docs / "zz-copy.jsonl").write_text((docs / "bucket-list.jsonl").read_text())
    build_corpus(corpus)
    tiny_product.write_document(docs, "event", "tag", "Another text, so that there are two versions")
    build_corpus(corpus)
    return corpus


def test_a_text_is_gone_with_every_copy_and_the_past_is_listed(secret: Path, lake_of, erase) -> None:
    lake = lake_of(secret)
    assert SECRET.encode() in everything(lake, "main")
    done = erase(Wanted(text=SECRET), reason="asked to")
    assert done.complete, (done.remaining, done.failure, done.selection)
    assert {document.uri for document in done.selection.documents} == {
        "docs/bucket-list.jsonl#L1",
        "docs/zz-copy.jsonl#L1",
    }
    assert done.before.keys() == {"raw", "bronze", "silver", "chunks"}
    assert SECRET.encode() not in everything(lake, "main")
    assert len(list(read_rows(lake.fetch("main", "tiny/silver/")))) == 79
    holders = {holder.commit for holder in done.past.holders}
    assert done.commit_before in holders
    assert done.commit_after not in holders
    for holder in done.past.holders:
        # Also an earlier version of the document, without the text, is a version of the document.
        assert b"docs/bucket-list" in everything(lake, holder.commit)
    everywhere = {commit.id for commit in lake.log("main")}
    for commit in everywhere - holders:
        assert SECRET.encode() not in everything(lake, commit)


def test_swept_it_cannot_be_read_anywhere_and_the_rest_can(secret: Path, lake_of, erase) -> None:
    lake = lake_of(secret)
    root = list(lake.log("main"))[-1].id
    done = erase(Wanted(uri="docs/bucket-list*"), sweep=True)
    assert done.swept is not None
    assert done.swept.payloads == len(done.past.payloads)
    assert done.swept.bytes > 0
    stored = [
        path.read_bytes() for path in (secret / "home" / "lake" / "objects").rglob("*") if path.is_file()
    ]
    assert not any(SECRET.encode() in content for content in stored)
    for holder in done.past.holders:
        with pytest.raises(Gone):
            assert lake.fetch(holder.commit, "tiny/") == lake.fetch(holder.commit, "_meta/")
    assert list(lake.verify(deep=True)) == []
    lake.fetch("main", "tiny/chunks/")
    assert lake.resolve(root) == root
    assert not list((secret / "home" / "scratch").iterdir())


@pytest.mark.parametrize("store", ["lakefs"])
def test_on_lakefs_it_is_taken_off_every_branch_and_the_server_must_collect_it(
    secret: Path, lake_of, erase, double, settings_of
) -> None:
    lake, location = lake_of(secret), settings_of(secret).lake
    old = next(lake.log("main")).parents[0]
    lake.tag("tiny-v0", old)
    lake.create_branch("dev-alice", old)
    lake.create_branch("run-dead", old)
    done = erase(Wanted(uri="docs/bucket-list*"), sweep=True)
    assert (done.swept, done.complete) == (None, False)
    assert done.unlinked is not None
    assert done.unlinked.branches == ("run-dead",)
    assert done.unlinked.cleaned.keys() == {"dev-alice"}
    assert done.unlinked.payloads == len(done.past.payloads)
    assert done.unlinked.bytes > 0
    assert done.unlinked.downloads > 0
    for branch in lake.refs("branch"):
        assert SECRET.encode() not in everything(lake, branch)
    report = markdown(as_json(done))
    assert f"{done.unlinked.payloads:,} payloads" in report
    assert "can still be read" in report
    assert "GarbageCollection" in report
    assert SECRET.encode() in everything(lake, "tiny-v0"), "the report is right: it can still be read"
    double.collect(location)
    again = erase(Wanted(uri="docs/bucket-list*"), sweep=True)
    assert again.complete
    assert again.unlinked is not None
    assert (again.unlinked.payloads, again.unlinked.steps) == (0, ())
    assert "has deleted the bytes" in markdown(as_json(again))
    with pytest.raises(Gone):
        everything(lake_of(secret), "tiny-v0")
    assert everything(lake_of(secret), "main")


def test_it_stays_out_of_later_builds_and_may_be_swept_later(
    secret: Path, lake_of, erase, build_corpus
) -> None:
    erase(Wanted(uri="docs/bucket-list*"))
    (secret / "sources" / "docs" / "back-again.jsonl").write_text(
        (secret / "sources" / "docs" / "bucket-list.jsonl").read_text()
    )
    build_corpus(secret)
    lake = lake_of(secret)
    assert SECRET.encode() not in everything(lake, "main")
    done = erase(Wanted(uri="docs/bucket-list*"), sweep=True)
    assert done.complete
    assert done.swept is not None
    assert done.swept.payloads > 0


def test_a_document_in_a_file_of_many_leaves_raw_to_decide(corpus: Path, lake_of, erase) -> None:
    lake = lake_of(corpus)
    row = next(row for row in read_rows(lake.fetch("main", "tiny/silver/")) if row["uri"].endswith("%2Flist"))
    done = erase(Wanted(document=row["document_id"]))
    assert not done.complete
    assert done.selection.partial == {"questions/questions.jsonl": 39}
    assert done.remaining == {}
    ids = {one["document_id"] for one in read_rows(lake.fetch("main", "tiny/silver/"))}
    assert row["document_id"] not in ids
    assert len(ids) == 79
    text = as_json(done)
    assert text["stays_in_original_files"] == {"questions/questions.jsonl": 39}


def test_whole_files_take_their_other_documents_along(corpus: Path, lake_of, erase) -> None:
    lake = lake_of(corpus)
    row = next(row for row in read_rows(lake.fetch("main", "tiny/silver/")) if row["uri"].endswith("%2Flist"))
    done = erase(Wanted(document=row["document_id"]), whole_files=True)
    assert done.complete, (done.remaining, done.failure)
    assert done.selection.also_lost == 39
    assert len(list(read_rows(lake.fetch("main", "tiny/silver/")))) == 40


def test_nothing_meant_is_an_error_and_nothing_happens(corpus: Path, lake_of, erase) -> None:
    head = lake_of(corpus).resolve("main")
    with pytest.raises(NotFound, match="no such document"):
        erase(Wanted(uri="docs/nothing*"))
    assert lake_of(corpus).resolve("main") == head


@pytest.mark.parametrize("wrong", [{}, {"uri": "a", "text": "abcdef"}, {"text": " a "}])
def test_exactly_one_thing_is_meant(wrong: dict) -> None:
    with pytest.raises(ValueError, match="expected"):
        Wanted(**wrong)


def test_the_report_is_signed_and_holds_no_text(secret: Path, lake_of, erase) -> None:
    done = erase(Wanted(text=SECRET), reason="asked to")
    paths = write(done, secret / "reports")
    value = json.loads(paths[0].read_text())
    digest = value.pop("digest")
    assert digest == digest_json(value)
    assert value["complete"]
    assert value["runs"]
    both = paths[0].read_text() + paths[1].read_text()
    assert SECRET not in both
    assert "docs/zz-copy.jsonl" in both
    assert "# Erasure from tiny: complete" in paths[1].read_text()
    assert lake_of(secret).fetch("main", "_meta/tiny/erased.json").read_text().find(SECRET) == -1


@pytest.mark.thorough
@pytest.mark.slow
def test_it_leaves_index_training_set_and_model_and_production_holds_it_until_released(
    copy, settings_of: Callable[..., Settings]
) -> None:
    definitions = tiny_product.definitions(copy.folder / "sources")
    settings, lake = settings_of(copy.folder), copy.lake
    before = copy.versions()
    wanted = Wanted(uri="docs/bucket-delete*")
    found = select(lake, lake.resolve("main"), "tiny", wanted, whole_files=False)
    done = forget(settings, "tiny", wanted, definitions=definitions)
    assert done.complete, (done.remaining, done.failure)
    assert {"raw", "bronze", "silver", "chunks", "embeddings", "index", "questions"} <= done.before.keys()
    after = copy.versions()
    assert after["base_model"] == before["base_model"]
    assert {name for name in after if after[name] != before[name]} >= {"index", "embeddings", "evaluation"}
    assert len(found.documents) == 1
    released = lake.refs("tag")
    if "tiny-v2" in released:
        assert not done.in_production
        swept = forget(settings, "tiny", wanted, definitions=definitions, sweep=True)
        assert swept.swept is not None
        assert any("tiny-v1" in holder.refs for holder in done.past.holders)
        with pytest.raises(Gone):
            lake.fetch("tiny-v1", "tiny/index/")
        assert list(lake.verify(deep=True)) == []
    else:
        with pytest.raises(CannotSweep, match="production"):
            forget(settings, "tiny", wanted, definitions=definitions, sweep=True)
