from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from small_corpus import chunk, document, files_of, workspace, write_chunks, write_silver

from headwater.evaluate.comparison import compare
from headwater.evaluate.evaluation import EvaluationMaker
from headwater.evaluate.gate import Gate, Improvement, NotWorse
from headwater.evaluate.group_bootstrap import Estimate
from headwater.evaluate.language_model import LanguageModelReport, Sample
from headwater.evaluate.language_model_report import language_model_section
from headwater.evaluate.measured import Measured
from headwater.index.embed import EmbeddingsMaker
from headwater.index.questions import QuestionsMaker
from headwater.index.vectors import IndexMaker
from headwater.schemas import QUESTIONS, RETRIEVAL_RESULTS
from headwater.tables import read_json, write_rows

GATE = Gate(
    minimum={"hybrid/recall@10": 0.5},
    not_worse_than_production={"hybrid/ndcg@10": NotWorse()},
    must_improve={"dense/mrr@10": Improvement()},
)


class Seen(HTMLParser):
    """What a browser would be told: tags, addresses, text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.text += data


def evaluate(base: Path, name: str, corpus: Path, maker: EvaluationMaker | None = None, **inputs: Path):
    given = {"questions": corpus / "questions", "index": corpus / "index", **inputs}
    return (maker or EvaluationMaker())(workspace(base, name, **given))


@pytest.fixture(scope="module")
def made(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Evaluated alone, and with that as production."""
    base = tmp_path_factory.mktemp("evaluations")
    evaluate(base, "first", corpus, EvaluationMaker(gate=GATE))
    evaluate(base, "second", corpus, EvaluationMaker(gate=GATE), production=base / "first")
    return base


def test_figures_results_and_pictures_are_written(made: Path):
    metrics = read_json(made / "first" / "evaluation.json")["metrics"]
    assert metrics["hybrid/recall@10"] > 0.9
    assert {"dense/recall@1", "bm25/mrr@10", "hybrid/ndcg@10"} <= set(metrics)
    assert RETRIEVAL_RESULTS.audit(made / "first").passed
    for name in ("recall", "ranks"):
        assert (made / "first" / "pictures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_again_gives_the_same_bytes(corpus: Path, made: Path, tmp_path: Path):
    evaluate(tmp_path, "again", corpus, EvaluationMaker(gate=GATE), production=made / "first")
    assert files_of(tmp_path / "again") == files_of(made / "second")


def test_production_changes_the_report_and_nothing_else(made: Path):
    first, second = files_of(made / "first"), files_of(made / "second")
    assert {name for name in first if first[name] != second[name]} == {"report.html"}


def test_the_report_needs_nothing_from_elsewhere(made: Path):
    page = (made / "second" / "report.html").read_text(encoding="utf-8")
    seen = Seen(page)
    assert not {"script", "link", "iframe"} & seen.tags
    assert seen.addresses
    assert all(address.startswith("data:image/png;base64,") for address in seen.addresses)
    assert "url(" not in page


def test_the_report_says_what_was_found(made: Path):
    alone = Seen((made / "first" / "report.html").read_text(encoding="utf-8")).text
    beside = Seen((made / "second" / "report.html").read_text(encoding="utf-8")).text
    assert "24 labelled questions in 6 groups, asked of 48 passages" in alone
    assert "Production holds no release of this product yet." in alone
    assert "Gate passed: all 3 conditions hold." in alone
    assert "Gate refused: 1 of 3 conditions failed: improves dense/mrr@10." in beside
    assert "common questions" in beside
    assert "This product has no language model." in beside
    assert "With only 6 groups" in beside


def test_an_evaluation_can_be_read_again_and_compared(made: Path):
    measured = Measured.read(made / "first")
    assert len(measured.questions["bm25/recall@5"]) == 24
    compared = compare(measured, measured, seed=0)
    assert [item.metric for item in compared][:2] == ["dense/recall@1", "dense/recall@5"]
    assert all(item.difference == Estimate(0, 0, 0) and item.common_questions == 24 for item in compared)


def test_what_the_ui_is_given(corpus: Path, tmp_path: Path):
    produced = evaluate(tmp_path, "out", corpus)
    assert produced.rows == 72
    assert "recall@10 on 24 labelled questions: dense" in produced.text["summary"]
    assert [row["measure"] for row in produced.tables["retrieval"]][-1] == "ndcg@10"
    assert all(path.is_file() for path in produced.pictures.values())


def test_without_questions_the_report_says_so(corpus: Path, tmp_path: Path):
    write_rows(tmp_path / "none", [], QUESTIONS.arrow, key="question_id")
    produced = evaluate(tmp_path, "out", corpus, questions=tmp_path / "none")
    assert (produced.rows, dict(produced.metrics), dict(produced.pictures)) == (0, {}, {})
    assert RETRIEVAL_RESULTS.audit(tmp_path / "out").passed
    page = Seen((tmp_path / "out" / "report.html").read_text(encoding="utf-8")).text
    assert "There is no question to ask" in page


def test_text_of_documents_cannot_become_markup(tmp_path: Path):
    hostile = '<script>alert("x")</script><img src=x onerror=y> & "quotes" \u202e end of it.'
    rows = [
        chunk(f"docs/{name}/a.md", f"{name} {hostile}", f"{name} {hostile}", attributes={"service": name})
        for name in ("one", "two")
    ]
    given = write_chunks(tmp_path / "chunks", rows)
    labels = {"service": "two", "question": f"one {hostile}"}
    silver = write_silver(tmp_path / "silver", [document("examples/a#0", "examples", "t", "x", labels)])
    EmbeddingsMaker(workers=1)(workspace(tmp_path, "embeddings", chunks=given))
    IndexMaker()(workspace(tmp_path, "index", chunks=given, embeddings=tmp_path / "embeddings"))
    QuestionsMaker(sources=("examples",), relevant_by=("service",))(
        workspace(tmp_path, "questions", silver=silver, chunks=given)
    )
    evaluate(tmp_path, "out", tmp_path, EvaluationMaker(title=hostile))
    seen = Seen((tmp_path / "out" / "report.html").read_text(encoding="utf-8"))
    assert "script" not in seen.tags
    assert all(address.startswith("data:") for address in seen.addresses)
    assert hostile in seen.text


def test_the_language_model_is_shown_before_and_after():
    report = LanguageModelReport(
        examples=40,
        generated=20,
        groups=("s3", "ec2"),
        resampled_by="group",
        loss_before=Estimate(3.1, 2.9, 3.3),
        loss_after=Estimate(2.1, 2.0, 2.2),
        loss_change=Estimate(-1.0, -1.1, -0.9),
        chrf_before=Estimate(12.0, 10.0, 14.0),
        chrf_after=Estimate(48.0, 44.0, 52.0),
        samples=(Sample("u", "s3", "To <list> buckets", "aws s3 ls", "I am", "aws s3 ls"),),
        notes=("exact match: not applicable",),
    )
    section = language_model_section(report, None)
    text = re.sub(r"\s+", " ", Seen(section).text)
    for said in (
        "40 held-out examples (20 answered) from 2 groups",
        "3.100 2.900 to 3.300",
        "48.0",
        "To <list>",
    ):
        assert said in text
    assert "right command" not in text
    assert "not applicable" in text
