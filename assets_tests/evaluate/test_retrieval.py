from __future__ import annotations

from pathlib import Path

import pytest
from small_corpus import digest, document, workspace, write_silver

from headwater.evaluate.metrics import MEASURES
from headwater.evaluate.retrieval import evaluate_retrieval
from headwater.index.questions import QuestionsMaker
from headwater.index.search import METHODS, SearchIndex
from headwater.schemas import QUESTIONS, RETRIEVAL_RESULTS
from headwater.tables import read_rows, write_rows


@pytest.fixture(scope="module")
def evaluation(corpus: Path):
    return evaluate_retrieval(
        SearchIndex.open(corpus / "index"),
        corpus / "questions",
        seed=0,
        progress=lambda what, done, total: None,
    )


def test_every_retriever_answers_every_question_and_the_rows_satisfy_the_schema(evaluation, tmp_path: Path):
    write_rows(tmp_path, evaluation.rows, RETRIEVAL_RESULTS.arrow, key="result_id")
    assert RETRIEVAL_RESULTS.audit(tmp_path).passed
    assert len(evaluation.rows) == 24 * len(METHODS)
    assert {row["group"] for row in evaluation.rows} == {
        "archive",
        "bucket",
        "cluster",
        "domain",
        "event",
        "fleet",
    }


def test_averages_are_those_of_the_rows_and_lie_in_their_intervals(evaluation):
    for method in METHODS:
        for measure, column in MEASURES.items():
            values = [row[column] for row in evaluation.rows if row["retriever"] == method]
            found = evaluation.averages[f"{method}/{measure}"]
            assert found.value == pytest.approx(sum(values) / 24)
            assert found.low - 1e-12 <= found.value <= found.high + 1e-12


def test_differences_are_paired(evaluation):
    found = evaluation.differences["hybrid - bm25/ndcg@10"]
    averages = evaluation.averages
    assert found.value == pytest.approx(averages["hybrid/ndcg@10"].value - averages["bm25/ndcg@10"].value)
    assert found.low <= found.value <= found.high


def test_a_small_clear_corpus_is_found(evaluation):
    assert evaluation.averages["hybrid/recall@10"].value > 0.9
    assert evaluation.origin == "labelled"


def test_groups_stand_worst_first(evaluation):
    scores = [group.scores["ndcg@10"] for group in evaluation.groups["hybrid"]]
    assert scores == sorted(scores)
    assert sum(group.questions for group in evaluation.groups["hybrid"]) == 24


def test_any_passage_of_the_right_document_counts(corpus: Path, tmp_path: Path):
    [row, *_] = read_rows(corpus / "questions")
    narrowed = {**row, "relevant_chunk_ids": row["relevant_chunk_ids"][:1]}
    other = {**row, "relevant_chunk_ids": row["relevant_chunk_ids"][1:]}
    scores = []
    for name, question in (("one", narrowed), ("other", other)):
        write_rows(tmp_path / name, [question], QUESTIONS.arrow, key="question_id")
        made = evaluate_retrieval(
            SearchIndex.open(corpus / "index"), tmp_path / name, seed=0, progress=lambda *_: None
        )
        scores.append(made.rows)
    assert scores[0] == scores[1]


def test_a_question_that_leads_elsewhere_is_shown_as_a_miss(corpus: Path, tmp_path: Path):
    labels = {"service": "fleet", "operation": "tag", "question": "Removes the archive for ever"}
    silver = write_silver(tmp_path / "silver", [document("examples/x.rst#0", "examples", "t", "x", labels)])
    QuestionsMaker(sources=("examples",), relevant_by=("service", "operation"))(
        workspace(tmp_path, "questions", silver=silver, chunks=corpus / "chunks")
    )
    made = evaluate_retrieval(
        SearchIndex.open(corpus / "index"), tmp_path / "questions", seed=0, progress=lambda *_: None
    )
    [miss] = made.misses["bm25"]
    assert miss.question == "Removes the archive for ever"
    assert miss.expected == "fleet tag-fleet"
    assert miss.expected_rank == 0 or miss.expected_rank > 10
    assert miss.found == "archive delete-archive"


def test_no_question_measures_nothing(corpus: Path, tmp_path: Path):
    write_rows(tmp_path, [], QUESTIONS.arrow, key="question_id")
    made = evaluate_retrieval(SearchIndex.open(corpus / "index"), tmp_path, seed=0, progress=lambda *_: None)
    assert (made.questions, made.rows, made.averages) == (0, [], {})


def test_questions_of_other_chunks_are_refused(corpus: Path, tmp_path: Path):
    [row, *_] = read_rows(corpus / "questions")
    strange = {**row, "relevant_chunk_ids": [digest("elsewhere")]}
    write_rows(tmp_path, [strange], QUESTIONS.arrow, key="question_id")
    with pytest.raises(ValueError, match="questions and index were made from different chunks"):
        evaluate_retrieval(SearchIndex.open(corpus / "index"), tmp_path, seed=0, progress=lambda *_: None)
