"""Decisions equal to datatrove's: to its own where it is installed, else to those it once made."""

from __future__ import annotations

import pytest
from quality_texts import made_documents, verdicts

from headwater.curate.c4 import C4Quality
from headwater.curate.fineweb import FineWebQuality
from headwater.curate.gopher import GopherQuality, GopherRepetition
from headwater.curate.word_settings import WordSettings

STEPS: dict[str, type[WordSettings]] = {
    "GopherQualityFilter": GopherQuality,
    "GopherRepetitionFilter": GopherRepetition,
    "C4QualityFilter": C4Quality,
    "FineWebQualityFilter": FineWebQuality,
}
PASSED = {
    "GopherQualityFilter": "a2b23aa3ba3b83b83ba3ba3ba3ba39a3ba3ba3aa39a3aa3221b233a3ba1b",
    "GopherRepetitionFilter": "da7d37d37d37d37d37d37d37d37d37d37d37d37d37d37d37d37d37d37d37",
    "C4QualityFilter": "e2fe1e41bc3f63dc19c0f21f83f236c27e1fc1be1de3a61ea1f20de33e08",
    "FineWebQualityFilter": "d37d37d37d37d37d37d37d37d37d37d37d37d37d37d37d37d37d37d37d37",
}
"""What datatrove 0.10.1 passed of `made_documents()`, in hexadecimal: a bit each, in their order."""


@pytest.mark.parametrize("name", STEPS)
def test_plain_words_lead_to_the_same_decisions_on_made_documents(name: str) -> None:
    texts = made_documents()
    expected = f"{int(PASSED[name], 16):0{len(texts)}b}"
    assert [int(passed) for passed in verdicts(STEPS[name](), texts)] == [int(bit) for bit in expected]
    assert 0.1 < expected.count("1") / len(texts) < 0.9


def test_a_missing_spacy_names_the_extra() -> None:
    try:
        import spacy  # noqa: F401
    except ModuleNotFoundError:
        with pytest.raises(ModuleNotFoundError, match="parity"):
            verdicts(GopherQuality(words="spacy"), ["text"])


@pytest.mark.parametrize("name", STEPS)
def test_words_of_spacy_lead_to_the_decisions_of_datatrove(name: str) -> None:
    filters = pytest.importorskip("datatrove.pipeline.filters")
    data = pytest.importorskip("datatrove.data")
    texts = made_documents()
    peer = getattr(filters, name)()
    expected: list[bool] = []
    kept: list[str] = []
    for number, text in enumerate(texts):
        document = data.Document(text=text, id=str(number))
        outcome = peer.filter(document)
        expected.append(outcome if isinstance(outcome, bool) else outcome[0])
        kept.append(document.text)
    step = STEPS[name](words="spacy")
    assert verdicts(step, texts) == expected
    if name == "C4QualityFilter":
        from quality_texts import batch_of

        found = step(batch_of(*texts))["text"].to_pylist()
        assert [text for text, passed in zip(found, expected, strict=True) if passed] == [
            text for text, passed in zip(kept, expected, strict=True) if passed
        ]
