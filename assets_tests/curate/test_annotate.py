"""Features of classic language processing."""

from __future__ import annotations

import pyarrow as pa
import pytest

from headwater.curate import annotate
from headwater.curate.annotate import Annotate


def _column(step: Annotate, feature: str, *rows: tuple[str, str]) -> list[object]:
    batch = pa.RecordBatch.from_pydict(
        {"text": [text for text, _ in rows], "language": [language for _, language in rows]}
    )
    return step(batch).column(feature).to_pylist()


def test_sentences_are_spans_of_the_text() -> None:
    text = "The lake keeps it. Does it, e.g. on a laptop? Yes."
    (spans,) = _column(Annotate(), "sentences", (text, "en"))
    assert isinstance(spans, list)
    assert [text[begin:end] for begin, end in spans] == [
        "The lake keeps it.",
        "Does it, e.g. on a laptop?",
        "Yes.",
    ]


def test_stems_lemmas_and_stop_words_follow_the_language_of_the_document() -> None:
    pytest.importorskip("snowballstemmer")
    pytest.importorskip("simplemma")
    pytest.importorskip("stopwordsiso")
    step = Annotate(features=("stems", "lemmas", "stop_words"))
    rows = (("The houses were built", "en"), ("Die Häuser", "de"), ("x", "und"))
    assert _column(step, "stems", *rows) == [["the", "hous", "were", "built"], ["die", "haus"], None]
    assert _column(step, "lemmas", *rows) == [["the", "house", "be", "build"], ["der", "Haus"], None]
    english, german, unknown = _column(step, "stop_words", *rows)
    assert (english, german, unknown) == (0.5, 0.5, None)


def test_a_missing_library_or_model_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> object:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(annotate.importlib, "import_module", missing)
    with pytest.raises(ModuleNotFoundError, match=r"needs simplemma: install the extra `nlp`"):
        _column(Annotate(features=("lemmas",)), "lemmas", ("a", "en"))


def test_a_missing_spacy_model_is_named() -> None:
    pytest.importorskip("spacy")
    step = Annotate(features=("parts_of_speech",), pipeline="no_such_model")
    with pytest.raises(ModuleNotFoundError, match=r"pipeline 'no_such_model': no such spaCy model"):
        _column(step, "parts_of_speech", ("a", "en"))
