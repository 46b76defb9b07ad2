"""Decontamination against evaluation files."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from headwater.curate.decontaminate import Decontaminate

QUESTION = "How do I copy every object of one bucket to another bucket in a different region at once?"
SHORT = "list all the keys of a table"


def _reasons(step: Decontaminate, *texts: str) -> list[str | None]:
    return step(pa.RecordBatch.from_pydict({"text": list(texts)})).column("refused_reason").to_pylist()


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    path = tmp_path / "questions.jsonl"
    path.write_text(
        "".join(json.dumps({"text": text}) + "\n" for text in (QUESTION, SHORT)), encoding="utf-8"
    )
    return path


def test_a_document_that_quotes_a_question_is_refused_whatever_its_case_and_punctuation(
    questions: Path,
) -> None:
    step = Decontaminate(against=(questions,))
    quoted = f"A forum asks: {QUESTION.upper().replace('?', '…')} The answer is below."
    assert _reasons(step, quoted, "Copy every object with the command s3 sync.") == ["contaminated", None]


def test_part_of_a_question_counts_from_the_stated_number_of_words(questions: Path) -> None:
    twelve = " ".join(QUESTION.split()[:12])
    thirteen = " ".join(QUESTION.split()[:13])
    step = Decontaminate(against=(questions,))
    assert _reasons(step, f"x {twelve} y", f"x {thirteen} y") == [None, "contaminated"]
    assert _reasons(Decontaminate(against=(questions,), words=12), f"x {twelve} y") == ["contaminated"]


def test_a_question_shorter_than_the_least_is_not_looked_for(questions: Path) -> None:
    text = f"To {SHORT}, scan it."
    assert _reasons(Decontaminate(against=(questions,)), text) == [None]
    assert _reasons(Decontaminate(against=(questions,), min_words=7), text) == ["contaminated"]


def test_files_of_lines_and_parquet_serve_too(tmp_path: Path) -> None:
    lines, table = tmp_path / "a.txt", tmp_path / "b.parquet"
    lines.write_text(f"{SHORT} by their creation time\n", encoding="utf-8")
    pq.write_table(pa.table({"question": [QUESTION]}), table)
    step = Decontaminate(against=(lines, table), field="question")
    assert _reasons(step, QUESTION, f"please {SHORT} by their creation time", "") == [
        "contaminated",
        "contaminated",
        None,
    ]


def test_the_fingerprint_follows_the_content_of_the_files(questions: Path) -> None:
    before = Decontaminate(against=(questions,)).fingerprint
    assert Decontaminate(against=(questions,)).fingerprint == before
    questions.write_text(
        json.dumps({"text": "another question altogether, of a good many words"}), encoding="utf-8"
    )
    assert Decontaminate(against=(questions,)).fingerprint != before


def test_a_missing_file_or_field_is_named(tmp_path: Path, questions: Path) -> None:
    with pytest.raises(ValidationError, match=r"no such file: .*absent\.jsonl"):
        Decontaminate(against=(tmp_path / "absent.jsonl",))
    with pytest.raises(ValueError, match=r"line 1: no field 'prompt'; it has text"):
        _reasons(Decontaminate(against=(questions,), field="prompt"), "any")
