"""Batch inference: one answer per question, the same file however often it was interrupted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headwater.serve import batch

LONG = "image tag-image. Adds or overwrites the labels that are kept beside the image. " * 300
LINES = [
    json.dumps({"question": "How does one tag an image?", "id": "a", "max_tokens": 4}),
    "",
    "no question",
    json.dumps({"question": " "}),
    json.dumps({"question": LONG}),
    json.dumps({"question": "List every gateway?", "id": 7, "max_tokens": 4, "temperature": 1.2, "seed": 3}),
]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in.jsonl"
    path.write_bytes("\n".join(LINES).encode() + b'\n{"question": "\xff"}\n')
    return path


def test_each_line_has_an_answer_or_a_reason(released, source, tmp_path):
    target = tmp_path / "out.jsonl"
    outcome = batch.generate(released, source, target)
    rows = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    assert (outcome.lines, outcome.answered, outcome.uncovered, outcome.refused) == (6, 2, 0, 4)
    assert [row["line"] for row in rows] == [1, 3, 4, 5, 6, 7]
    assert (
        rows[0]["answer"]
        == released.model.generate(
            [released.retrieve("How does one tag an image?").prompt], max_new_tokens=4
        )[0]
    )
    assert "tag-image" in rows[0]["citations"][0]["title"]
    assert {row["commit"] for row in rows} == {released.commit}
    assert ["blank" in rows[2]["error"], "tokens" in rows[3]["error"]] == [True, True]


def test_a_killed_run_is_continued_to_the_same_bytes(released, source, tmp_path):
    target = tmp_path / "out.jsonl"
    batch.generate(released, source, target)
    whole = target.read_bytes()
    for size in (len(whole), len(whole) - 1, len(whole) // 2, whole.index(b"\n") + 1, 3, 0):
        target.write_bytes(whole[:size])
        outcome = batch.generate(released, source, target)
        assert target.read_bytes() == whole
        assert outcome.lines == 6
    assert outcome.continued_from == 0


def test_an_output_of_something_else_is_left_alone(released, source, tmp_path):
    target = tmp_path / "out.jsonl"
    batch.generate(released, source, target)
    whole = target.read_bytes()
    elsewhere = whole.replace(released.commit.encode(), b"0" * len(released.commit))
    target.write_bytes(elsewhere)
    with pytest.raises(batch.OtherOutput, match="--ref 0000"):
        batch.generate(released, source, target)
    assert target.read_bytes() == elsewhere
    target.write_bytes(whole.splitlines(keepends=True)[0])
    source.write_text(json.dumps({"question": "Another?"}) + "\n")
    with pytest.raises(batch.OtherOutput, match="another input"):
        batch.generate(released, source, target)
    target.write_text("my notes\n")
    with pytest.raises(batch.OtherOutput, match="no output"):
        batch.generate(released, source, target)
    assert target.read_text() == "my notes\n"
