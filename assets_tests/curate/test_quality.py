from __future__ import annotations

import pytest

from headwater.curate.quality import Quality
from headwater.curate.words import words

PROSE = "Starts the specified instance and returns its new state to the caller. "


def reason(text: str, **settings: object) -> str | None:
    verdict = Quality.model_validate(settings).verdict(text, words(text))
    return verdict.reason if verdict else None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (PROSE, None),
        ("Get farm.", "too_short"),
        ("Gets a farm.", None),
        ("word " * 100_001, "too_long"),
        ("a b c d e f g h i j", "word_length"),
        ("incomprehensibilities " * 5, "word_length"),
        ("data # # # # # # data data data data", "symbols"),
        ("12 345 67 89 01 23 45 total amount", "not_alphabetic"),
        (
            "\n".join(f"This is one of the many lines which break off {'ab' * i} ..." for i in range(12)),
            "ellipses",
        ),
        ("\n".join(["All of the lines are equal."] * 12), "repeated_lines"),
        ("\n".join(f"- entry of the list number {'x' * i}" for i in range(20)), None),
        ("敏捷的棕色狐狸跳过了懒狗", None),
        ("To decode a message run the command " + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo" * 40, None),
    ],
)
def test_verdicts_by_default(text: str, expected: str | None) -> None:
    assert reason(text) == expected


def test_each_rule_can_be_switched_off_and_set() -> None:
    assert reason("Get farm.", min_words=None) is None
    assert reason(PROSE, min_words=50) == "too_short"
    lines = "\n".join(f"- entry of the list number {'x' * i}" for i in range(20))
    assert reason(lines, max_bullet_share=0.9) == "bullets"
    assert reason("Lorem ipsum dolor sit amet, and so on.", placeholders=["lorem ipsum"]) == "placeholder"


def test_the_detail_says_measure_and_limit() -> None:
    verdict = Quality().verdict("Get farm.", ["Get", "farm"])
    assert verdict is not None
    assert verdict.detail == "2 words; least 3"


def test_bad_thresholds_are_errors() -> None:
    with pytest.raises(ValueError, match="max_bullet_share"):
        Quality(max_bullet_share=1.5)
    with pytest.raises(ValueError, match="min_word"):
        Quality.model_validate({"min_word": 3})


def test_words_of_scripts_without_spaces_are_characters() -> None:
    assert words("ab 日本語text 3.5 naïve_x") == [
        "ab",
        "日",
        "本",
        "語",
        "text",
        "3",
        "5",
        "naïve_x",
    ]
