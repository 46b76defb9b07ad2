from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quality_texts import NASTY, TEXTS, batch_of, duplicates, reasons, split_words

from headwater.curate.fineweb import FineWebQuality
from headwater.curate.kernels.characters import TERMINAL_RANGES, ranges

TERMINAL = tuple(chr(point) for first, last in ranges(TERMINAL_RANGES) for point in range(first, last + 1))
LONG = "A line of words that is long enough not to be counted as short, number"


@pytest.mark.parametrize(
    ("text", "reason", "off"),
    [
        (f"{LONG} one.\n{LONG} two", None, "min_terminal_share"),
        (" \n\t", "empty", None),
        (f"{LONG} one\n{LONG} two", "unpunctuated_lines", "min_terminal_share"),
        (f"Short.\nShorter.\n{LONG} one\nThird.", "short_lines", "max_short_share"),
        (f"{LONG} one.\n{LONG} one.\n{LONG} two.", "duplicate_characters", "max_duplicate_character_share"),
        ("Antidisestablishmentarianistically.\n" + "\n" * 3 + f"{LONG} two.", None, None),
        ("Antidisestablishmentarianistically.\nFloccinaucinihilipilification-ism's.", None, None),
    ],
)
def test_verdicts(text: str, reason: str | None, off: str | None) -> None:
    assert reasons(FineWebQuality(), text) == [reason]
    if reason and off:
        assert reasons(FineWebQuality.model_validate({off: None}), text) == [None]


def test_lists_have_more_newlines_than_their_words_allow() -> None:
    text = "\n\n".join(f"Internationalizations{number}, electroencephalographically." for number in range(9))
    assert reasons(FineWebQuality(), text) == ["list"]


def test_texts_without_any_such_mark_can_be_let_pass() -> None:
    text = f"{LONG} one\n{LONG} two"
    assert reasons(FineWebQuality(ignore_unpunctuated=True), text) == [None]


@given(st.lists(TEXTS, max_size=6))
@settings(deadline=None, max_examples=200)
def test_measures_are_those_of_the_definition(texts: list[str]) -> None:
    batch = FineWebQuality(short_line=5)(batch_of(*texts))
    for row, text, words in zip(batch.to_pylist(), texts, split_words(*texts)[1], strict=True):
        lines = [line for line in text.split("\n") if line.strip()]
        if not lines:
            assert row["refused_reason"] == "empty"
            continue
        assert row["fineweb_terminal_share"] == sum(line.endswith(TERMINAL) for line in lines) / len(lines)
        assert row["fineweb_short_share"] == sum(len(line) <= 5 for line in lines) / len(lines)
        share = duplicates(lines)[1] / len(text.replace("\n", ""))
        assert row["fineweb_duplicate_character_share"] == share
        assert row["fineweb_newline_ratio"] == text.count("\n") / len(words)


def test_nasty_texts_are_judged_alone_as_together() -> None:
    step = FineWebQuality()
    together = step(batch_of(*NASTY.values())).to_pylist()
    assert [step(batch_of(text)).to_pylist()[0] for text in NASTY.values()] == together
