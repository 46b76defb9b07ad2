"""Toxicity by the extra's model."""

from __future__ import annotations

import sys

import pyarrow as pa
import pytest

from headwater.curate.toxicity import Toxicity

INSULT = "You are a stupid idiot and everybody hates your ugly face."
HARMLESS = "Kill the process with SIGKILL, then restart the daemon and read its log."


def test_an_insult_is_refused_with_its_score_also_in_the_middle_of_a_long_text() -> None:
    pytest.importorskip("profanity_check")
    long = f"{HARMLESS} " * 40 + INSULT + f" {HARMLESS}" * 40
    batch = pa.RecordBatch.from_pydict({"text": [INSULT, HARMLESS, long, ""], "language": ["en"] * 4})
    found = Toxicity()(batch)
    assert found.column("refused_reason").to_pylist() == ["toxic", None, "toxic", None]
    assert found.column("toxicity").to_pylist()[3] is None
    assert "most 0.95" in found.column("refused_detail").to_pylist()[0]
    assert Toxicity(max_toxicity=None)(batch).column("refused_reason").null_count == 4


def test_a_language_that_the_model_does_not_know_gets_no_score() -> None:
    pytest.importorskip("profanity_check")
    batch = pa.RecordBatch.from_pydict({"text": [INSULT], "language": ["de"]})
    assert Toxicity()(batch).column("toxicity").to_pylist() == [None]


def test_without_the_extra_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "profanity_check", None)
    with pytest.raises(ModuleNotFoundError, match=r"extra `toxicity`"):
        Toxicity()(pa.RecordBatch.from_pydict({"text": [INSULT]}))
