from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quality_texts import (
    NASTY,
    TEXTS,
    batch_of,
    duplicate_runs,
    duplicates,
    reasons,
    split_words,
    top_run,
)

from headwater.curate.gopher import GopherQuality, GopherRepetition

PROSE = " ".join(f"The number {word} comes before the next and is to be read with care." for word in range(9))


def test_prose_passes_and_is_measured() -> None:
    row = GopherQuality()(batch_of(PROSE)).to_pylist()[0]
    assert row["refused_reason"] is None
    assert row["gopher_words"] == 9 * 14
    assert row["gopher_stop_words"] == 5
    assert 3 < row["gopher_mean_word_length"] < 5


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Too few words.", "too_short"),
        ("word " * 100_001, "too_long"),
        ("a b " * 60, "short_words"),
        ("incomprehensibilities " * 60, "long_words"),
        ("the and # " * 40, "hashes"),
        ("the value and to ... " * 40, "ellipses"),
        ("- the value and the key\n" * 40, "bullets"),
        ("the value and the long key that was here before it broke ...\n" * 40, "ellipsis_lines"),
        ("the and 123 456 789 " * 40, "not_alphabetic"),
        ("several words without " * 40, "stop_words"),
    ],
)
def test_each_rule_of_quality_refuses_and_can_be_switched_off(text: str, reason: str) -> None:
    assert reasons(GopherQuality(), text) == [reason]
    off = {
        "too_short": "min_words",
        "too_long": "max_words",
        "short_words": "min_mean_word_length",
        "long_words": "max_mean_word_length",
        "hashes": "max_symbol_ratio",
        "ellipses": "max_symbol_ratio",
        "bullets": "max_bullet_share",
        "ellipsis_lines": "max_ellipsis_share",
        "not_alphabetic": "min_alphabetic_share",
        "stop_words": "min_stop_words",
    }
    assert reasons(GopherQuality.model_validate({off[reason]: None}), text) != [reason]


def test_the_verdict_says_measure_and_limit() -> None:
    batch = GopherQuality()(batch_of("Too few words.", "- the value and the key\n" * 40))
    assert batch["refused_detail"].to_pylist() == ["3 words; least 50", "100%; most 90%"]


def test_each_rule_of_repetition_refuses() -> None:
    found = reasons(
        GopherRepetition(),
        "",
        "\n\n".join(["One.", "One.", "Two and something else that is longer by far than all others."] * 3),
        "the key and the lock " + "the key " * 8,
        "a stone that rolls gathers no moss at all " * 3,
    )
    assert found[0] == "empty"
    assert found[1] == "duplicate_paragraphs"
    assert found[2] == "top_2_gram"
    assert found[3] is not None


def test_sizes_of_runs_are_set_by_number_of_words() -> None:
    step = GopherRepetition(top_runs={2: None}, duplicate_runs={7: 0.5})
    row = step(batch_of("one two " * 50)).to_pylist()[0]
    assert row["refused_reason"] == "duplicate_7_gram"
    assert row["top_2_gram_share"] == 350 / 400
    with pytest.raises(ValueError, match="top_runs"):
        GopherRepetition(top_runs={1: 0.5})


@given(st.lists(TEXTS, max_size=6))
@settings(deadline=None, max_examples=200)
def test_quality_measures_are_those_of_the_definition(texts: list[str]) -> None:
    batch = GopherQuality()(batch_of(*texts))
    for row, text, words in zip(batch.to_pylist(), texts, split_words(*texts)[1], strict=True):
        lines = text.splitlines()
        total, number = max(1, len(words)), max(1, len(lines))
        assert row["gopher_hash_ratio"] == text.count("#") / total
        assert row["gopher_ellipsis_ratio"] == (text.count("...") + text.count("…")) / total
        assert (
            row["gopher_bullet_share"] == sum(line.lstrip().startswith(("-", "•")) for line in lines) / number
        )
        assert (
            row["gopher_ellipsis_share"]
            == sum(line.rstrip().endswith(("...", "…")) for line in lines) / number
        )
        assert row["gopher_alphabetic_share"] == sum(any(map(str.isalpha, word)) for word in words) / total
        stop = {"the", "be", "to", "of", "and", "that", "have", "with"}
        assert row["gopher_stop_words"] == len(stop.intersection(words))


@given(st.lists(TEXTS, max_size=6))
@settings(deadline=None, max_examples=200)
def test_repetition_measures_are_those_of_the_definition(texts: list[str]) -> None:
    batch = GopherRepetition()(batch_of(*texts))
    for row, text, words in zip(batch.to_pylist(), texts, split_words(*texts)[1], strict=True):
        size = max(1, len(text))
        lines, paragraphs = re.split("\n+", text), re.split("\n{2,}", text.strip())
        number, characters = duplicates(lines)
        assert row["duplicate_line_share"] == number / len(lines)
        assert row["duplicate_line_character_share"] == characters / size
        number, characters = duplicates(paragraphs)
        assert row["duplicate_paragraph_share"] == number / len(paragraphs)
        assert row["duplicate_paragraph_character_share"] == characters / size
        for runs in (2, 3, 4):
            assert row[f"top_{runs}_gram_share"] == top_run(words, runs) / size
        for runs in range(5, 11):
            assert row[f"duplicate_{runs}_gram_share"] == duplicate_runs(words, runs) / size


@pytest.mark.parametrize("step", [GopherQuality(), GopherRepetition()], ids=lambda step: step.name)
def test_nasty_texts_are_judged_alone_as_together(step: GopherQuality | GopherRepetition) -> None:
    together = step(batch_of(*NASTY.values())).to_pylist()
    assert [step(batch_of(text)).to_pylist()[0] for text in NASTY.values()] == together
    assert step(batch_of()).num_rows == 0
