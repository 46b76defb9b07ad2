from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError
from small_corpus import chunk, chunks, document, files_of, labelled, workspace, write_chunks, write_silver

from headwater.index.questions import QuestionsMaker, group_of
from headwater.index.sentences import middle_sentence
from headwater.schemas import QUESTIONS
from headwater.tables import read_rows

LABELLED = QuestionsMaker(sources=("examples",), relevant_by=("service", "operation"), group_by="service")


def test_labelled_questions_name_every_passage_of_the_document_that_answers(corpus: Path):
    assert QUESTIONS.audit(corpus / "questions").passed
    rows = {row["text"]: row for row in read_rows(corpus / "questions")}
    assert len(rows) == 24
    asked = rows["To put labels on a fleet"]
    expected = [row["chunk_id"] for row in chunks() if row["uri"] == "docs/fleet/tag.md"]
    assert asked["relevant_chunk_ids"] == sorted(expected)
    assert (asked["group"], asked["origin"]) == ("fleet", "labelled")


def test_questions_that_nothing_answers_are_counted_and_left_out(tmp_path: Path):
    given = {
        "silver": write_silver(tmp_path / "silver", labelled()),
        "chunks": write_chunks(tmp_path / "chunks", chunks()),
    }
    produced = LABELLED(workspace(tmp_path, "out", **given))
    assert produced.rows == 24
    assert produced.metrics["unanswerable"] == 1
    assert produced.metrics["labelled"] == 25
    assert produced.metrics["groups"] == 6
    assert not produced.text


def test_documents_without_question_or_label_and_other_sources_are_no_questions(tmp_path: Path):
    rows = [
        document("examples/a.rst#0", "examples", "t", "text", {"service": "fleet", "operation": "tag"}),
        document("examples/b.rst#0", "examples", "t", "text", {"service": "fleet", "question": "To b"}),
        document("docs/c.md", "docs", "t", "x", {"service": "fleet", "operation": "tag", "question": "To c"}),
    ]
    given = {
        "silver": write_silver(tmp_path / "silver", rows),
        "chunks": write_chunks(tmp_path / "chunks", chunks()),
    }
    produced = LABELLED(workspace(tmp_path, "out", **given))
    assert produced.metrics["labelled"] == 0
    assert "None of the 0 labelled questions of examples has an answering chunk." in produced.text["origin"]


def test_without_labels_passages_are_asked_for_by_one_of_their_sentences(tmp_path: Path):
    rows = chunks()
    given = {
        "silver": write_silver(tmp_path / "silver", []),
        "chunks": write_chunks(tmp_path / "chunks", rows),
    }
    produced = QuestionsMaker()(workspace(tmp_path, "out", **given))
    QuestionsMaker()(workspace(tmp_path, "again", **given))
    assert files_of(tmp_path / "out") == files_of(tmp_path / "again")
    assert QUESTIONS.audit(tmp_path / "out").passed
    assert "known-item questions were made instead" in produced.text["origin"]
    texts = {row["chunk_id"]: row["text"] for row in rows}
    for row in read_rows(tmp_path / "out"):
        assert row["origin"] == "known_item"
        assert row["text"] in texts[row["relevant_chunk_ids"][0]]
        assert row["group"] == "/".join(row["uri"].split("/")[:2])
        assert "Ask for the state" not in row["text"], (
            "a sentence that stands in every document asks for none"
        )
    assert produced.rows == 24


def test_the_draw_is_capped_and_does_not_move_when_a_document_is_added(tmp_path: Path):
    rows = [chunk(f"docs/d{n}/a.md", "t", f"This passage is about number {n} alone.") for n in range(60)]
    drawn = []
    for name, used in (("less", rows[:59]), ("more", rows)):
        given = {
            "silver": write_silver(tmp_path / f"{name}-silver", []),
            "chunks": write_chunks(tmp_path / f"{name}-chunks", used),
        }
        QuestionsMaker(known_items=20)(workspace(tmp_path, name, **given))
        drawn.append({row["text"] for row in read_rows(tmp_path / name)})
    assert len(drawn[0]) == len(drawn[1]) == 20
    assert len(drawn[0] & drawn[1]) >= 19


def test_no_passage_gives_no_question(tmp_path: Path):
    given = {"silver": write_silver(tmp_path / "silver", []), "chunks": write_chunks(tmp_path / "chunks", [])}
    produced = QuestionsMaker()(workspace(tmp_path, "out", **given))
    assert produced.rows == 0
    assert QUESTIONS.audit(tmp_path / "out").passed


def test_labels_need_something_to_match_on():
    with pytest.raises(ValidationError, match="relevant_by: expected at least one attribute"):
        QuestionsMaker(sources=("examples",))


@pytest.mark.parametrize(
    ("uri", "group_by", "expected"),
    [
        ("docs/fleet/tag.md#x/y", "service", "fleet"),
        ("docs/fleet/tag.md#x/y", None, "docs/fleet"),
        ("docs/tag.md", None, "docs"),
        ("docs/fleet/tag.md", "team", "docs/fleet"),
    ],
)
def test_groups(uri: str, group_by: str | None, expected: str):
    assert group_of(uri, {"service": "fleet"}, group_by) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Too short. This one has just enough words. No.", "This one has just enough words."),
        (
            "First sentence is long enough here.\nSecond sentence is long enough too.",
            "First sentence is long enough here.",
        ),
        ("One two three.", None),
        ("word " * 40, None),
        ("これは短い。", None),
    ],
)
def test_the_sentence_in_the_middle(text: str, expected: str | None):
    assert middle_sentence(text) == expected


def test_a_sentence_in_two_passages_of_a_document_is_one_question(tmp_path: Path):
    text = "The warranty of this work covers nothing that the law does not demand of those who give it away."
    rows = [chunk("docs/licence.md", "Licence", text, start=start) for start in (0, 500)]
    given = {
        "silver": write_silver(tmp_path / "silver", []),
        "chunks": write_chunks(tmp_path / "chunks", rows),
    }
    produced = QuestionsMaker()(workspace(tmp_path, "out", **given))
    assert QUESTIONS.audit(tmp_path / "out").passed
    questions = list(read_rows(tmp_path / "out"))
    assert produced.rows == produced.metrics["known_items"] == len(questions) == 1
    assert questions[0]["relevant_chunk_ids"] == sorted(row["chunk_id"] for row in rows)
