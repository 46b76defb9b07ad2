"""Compare: rows by key from the parts that differ, columns, metrics with direction."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
import tiny_product

from headwater.lake import Lake, open_lake
from headwater.tables import write_rows
from headwater.versions.compare import compare, direction


def put(
    lake: Lake, branch: str, folder: Path, rows: list[dict], schema: pa.Schema, at: str = "p/words/"
) -> str:
    write_rows(folder, rows, schema, key="word")
    with lake.change(branch, "words") as change:
        change.put_folder(at, folder)
    assert change.commit is not None
    return change.commit.id


WORDS = pa.schema([("word", pa.string()), ("count", pa.int64()), ("tags", pa.list_(pa.string()))])


def words(count: int, **changed: int) -> list[dict]:
    return [
        {"word": f"w{index:05}", "count": changed.get(f"w{index:05}", index), "tags": ["a"]}
        for index in range(count)
    ]


def test_rows_are_counted_by_key_and_only_differing_parts_are_read(tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "lake")
    left = put(lake, "main", tmp_path / "a", words(20_000), WORDS)
    new = [*words(20_000, w00007=-1)[:-1], {"word": "z", "count": 1, "tags": []}]
    right = put(lake, "main", tmp_path / "b", new, WORDS)
    asset = compare(lake, left, right).assets[0]
    rows = asset.rows[0]
    assert (rows.added, rows.removed, rows.changed) == (1, 1, 1)
    assert rows.parts > 8
    assert rows.parts_read == 4
    samples = {sample["kind"]: sample for sample in rows.samples}
    assert samples["added"]["key"] == "z"
    assert samples["removed"]["key"] == "w19999"
    assert samples["changed"] == {"kind": "changed", "key": "w00007", "fields": {"count": [7, -1]}}
    assert 0 < asset.new_bytes < asset.bytes[1]


def test_a_new_a_vanished_and_an_unchanged_dataset(tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "lake")
    root = lake.resolve("main")
    head = put(lake, "main", tmp_path / "a", words(3), WORDS)
    added, removed = compare(lake, root, head).assets[0], compare(lake, head, root).assets[0]
    assert (added.kind, added.rows[0].added) == ("added", 3)
    assert (removed.kind, removed.rows[0].removed) == ("removed", 3)
    assert compare(lake, head, "main").assets == ()


def test_a_changed_column_is_named_and_common_columns_are_compared(tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "lake")
    left = put(lake, "main", tmp_path / "a", words(3), WORDS)
    wider = WORDS.append(pa.field("more", pa.string()))
    right = put(lake, "main", tmp_path / "b", [{**row, "more": "x"} for row in words(3, w00001=9)], wider)
    rows = compare(lake, left, right).assets[0].rows[0]
    assert rows.columns == {"more": ("", "string")}
    assert (rows.added, rows.removed, rows.changed) == (0, 0, 1)


@pytest.mark.parametrize(
    ("name", "left", "right", "expected"),
    [
        ("hybrid/recall@10", 0.5, 0.6, "better"),
        ("hybrid/recall@10", 0.6, 0.5, "worse"),
        ("language_model/loss_after", 2.0, 1.0, "better"),
        ("documents", 10, 11, "changed"),
        ("hybrid/recall@10", None, 0.5, "changed"),
    ],
)
def test_direction(name: str, left: float | None, right: float | None, expected: str) -> None:
    assert direction(name, left, right) == expected


@pytest.mark.parametrize("store", ["embedded", "lakefs"])
def test_an_edited_document_is_one_changed_row_in_every_tier(corpus: Path, lake_of, build_corpus) -> None:
    tiny_product.write_document(corpus / "sources" / "docs", "bucket", "list", "Shows what is in a bucket")
    build_corpus(corpus, branch="dev")
    found = compare(lake_of(corpus), "main", "dev", product="tiny")
    changes = {change.asset: change for change in found.assets}
    assert set(changes) == {"raw", "bronze", "silver", "chunks"}
    main = {name: next(r for r in c.rows if "quarantine" not in r.folder) for name, c in changes.items()}
    assert [
        (main[name].added, main[name].removed, main[name].changed) for name in ("raw", "bronze", "silver")
    ] == [(0, 0, 1)] * 3
    # A passage is named by its offsets, so a longer text is another passage.
    assert (main["chunks"].added, main["chunks"].removed) in {(1, 1), (0, 0)}
    assert changes["silver"].why == ("inputs: bronze",)
    fields = main["silver"].samples[0]["fields"]
    assert "Shows what is in a bucket" in fields["text"][1]
