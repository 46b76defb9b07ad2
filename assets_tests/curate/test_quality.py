from __future__ import annotations

import re

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.curate.quality import Quality
from headwater.curate.words import LONGEST_WORD, UNSPACED, words

PROSE = "Starts the specified instance and returns its new state to the caller. "
TEXTS = st.text(st.sampled_from("aZé9_ \n\t.-*•‣+#…—日ไุ́²\u2028\x00\U0001f600"), max_size=120)


def judged(*texts: str, **parameters: object) -> pa.RecordBatch:
    return Quality.model_validate(parameters)(pa.record_batch({"text": pa.array(texts, pa.string())}))


def reason(text: str, **parameters: object) -> str | None:
    return judged(text, **parameters)["refused_reason"][0].as_py()


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


def test_the_verdict_says_measure_and_limit_and_the_words_are_counted() -> None:
    batch = judged("Get farm.", "Gets a farm.")
    assert batch["refused_detail"].to_pylist() == ["2 words; least 3", None]
    assert batch["words"].to_pylist() == [2, 3]


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


def is_prose(word: str) -> bool:
    """What a reader would call a word, of those that `words` finds."""
    return word.isalpha() and len(word) <= LONGEST_WORD and not re.match(f"[{UNSPACED}]", word)


def expected_reason(text: str, step: Quality) -> str | None:
    """The rules as they are defined, on Python's strings."""
    tokens = words(text)
    count = max(1, len(tokens))
    if len(tokens) < (step.min_words or 0):
        return "too_short"
    lengths = [len(token) for token in tokens if is_prose(token)]
    if lengths and not 2 <= sum(lengths) / len(lengths) <= 12:
        return "word_length"
    if len(re.findall(r"#|…|\.\.\.", text)) / count > 0.2:
        return "symbols"
    if sum(bool(re.search(r"[^\W\d_]", token)) for token in tokens) / count < 0.5:
        return "not_alphabetic"
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    if len(lines) < step.min_lines:
        return None
    number = max(1, len(lines))
    if sum(line.startswith(("- ", "* ", "• ", "‣ ", "+ ")) for line in lines) / number > 0.5:
        return "bullets"
    if sum(line.endswith(("...", "…")) for line in lines) / number > 0.3:
        return "ellipses"
    for name, pieces in (
        ("repeated_lines", lines),
        ("repeated_paragraphs", [piece.strip() for piece in text.split("\n\n")]),
    ):
        if 1 - sum(map(len, set(pieces))) / max(1, sum(map(len, pieces))) > 0.4:
            return name
    return None


@given(st.lists(TEXTS, max_size=8))
@settings(deadline=None, max_examples=200)
def test_the_verdicts_are_those_of_the_definition(texts: list[str]) -> None:
    step = Quality(min_words=1, min_lines=2, max_bullet_share=0.5)
    batch = step(pa.record_batch({"text": pa.array(texts, pa.string())}))
    assert batch["words"].to_pylist() == [len(words(text)) for text in texts]
    assert batch["refused_reason"].to_pylist() == [expected_reason(text, step) for text in texts]
