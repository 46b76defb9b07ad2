from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from headwater import schemas
from headwater.schemas import QUESTIONS, RAW, Dataset, embeddings
from headwater.tables import write_rows

DIGEST = "a" * 64


def raw_rows(count: int = 4) -> list[dict[str, Any]]:
    return [
        {"uri": f"docs/{n}", "source": "docs", "digest": DIGEST, "media_type": "text/plain", "size": n}
        for n in range(count)
    ]


def audit(folder: Path, dataset: Dataset, rows: list[dict[str, Any]]):
    write_rows(folder, rows, dataset.arrow, key=dataset.key)
    return dataset.audit(folder)


def test_good_rows_pass(tmp_path: Path) -> None:
    outcome = audit(tmp_path, RAW, raw_rows())
    assert outcome.passed
    assert outcome.metadata == {"rows": 4, "failed": 0}
    assert outcome.name == "raw_schema"


@pytest.mark.parametrize(
    ("field", "value", "check"),
    [
        ("size", -1, "greater_than"),
        ("digest", "xyz", "sha256"),
        ("source", "  ", "not_blank"),
        ("uri", "docs/1", "unique"),
    ],
)
def test_each_kind_of_bad_row_is_named_with_its_value(
    tmp_path: Path, field: str, value: object, check: str
) -> None:
    rows = raw_rows()
    rows[3][field] = value
    outcome = audit(tmp_path, RAW, rows)
    assert not outcome.passed
    assert outcome.metadata["failed"] == 1
    failure = outcome.failures[0]
    assert failure["column"] == field
    assert check in failure["check"]
    assert failure["value"] == str(value)
    assert failure["row"] == 3


def test_repeated_keys_are_found_across_parts(tmp_path: Path) -> None:
    rows = raw_rows(20_000)
    rows[-1]["uri"] = rows[0]["uri"]
    outcome = audit(tmp_path, RAW, rows)
    assert [failure["check"] for failure in outcome.failures] == ["unique"]


def test_the_sample_of_failures_is_bounded_but_the_count_is_not(tmp_path: Path) -> None:
    rows = [{**row, "size": -1} for row in raw_rows(500)]
    outcome = audit(tmp_path, RAW, rows)
    assert outcome.metadata["failed"] == 500
    assert len(outcome.failures) == 20


def test_other_columns_are_refused_before_any_row(tmp_path: Path) -> None:
    write_rows(tmp_path, [{"uri": "x"}], pa.schema([("uri", pa.string())]), key="uri")
    outcome = RAW.audit(tmp_path)
    assert not outcome.passed
    assert {failure["column"] for failure in outcome.failures} >= {"digest", "size"}


def test_vectors_must_have_unit_norm(tmp_path: Path) -> None:
    dataset = embeddings(4)
    good = {"chunk_id": DIGEST, "embedded_digest": DIGEST, "vector": [0.5, 0.5, 0.5, 0.5]}
    bad = {"chunk_id": "b" * 64, "embedded_digest": DIGEST, "vector": [1.0, 0.0, 0.0, 1.0]}
    assert audit(tmp_path / "good", dataset, [good]).passed
    assert [f["check"] for f in audit(tmp_path / "bad", dataset, [good, bad]).failures] == ["unit_norm"]


def test_a_question_needs_an_answer(tmp_path: Path) -> None:
    row = {
        "question_id": DIGEST,
        "text": "How?",
        "group": "g",
        "uri": "u",
        "relevant_chunk_ids": [],
        "origin": "labelled",
    }
    assert [f["check"] for f in audit(tmp_path, QUESTIONS, [row]).failures] == ["not_empty"]


@pytest.mark.parametrize("name", [name for name in schemas.__all__ if name.isupper() and name != "SPLITS"])
def test_every_dataset_describes_itself(name: str, tmp_path: Path) -> None:
    dataset: Dataset = getattr(schemas, name)
    assert dataset.key in dataset.columns
    assert all(column.description for column in dataset.columns.values())
    assert audit(tmp_path, dataset, []).passed
