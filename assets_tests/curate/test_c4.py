from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quality_texts import ALPHABET, NASTY, batch_of, reasons

from headwater.curate.c4 import C4Quality
from headwater.fingerprint import digest_text

LINE = "This line has enough words in it."
POLICY = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")
PIECES = [
    *ALPHABET,
    "Lorem Ipsum",
    "JavaScript",
    "We use cooKies",
    "[12]",
    "[٣]",
    "[edit]",
    "[citation needed]",
]
TEXTS = st.lists(
    st.sampled_from([*PIECES, LINE, LINE, "\n", "\n", " word", ". ", '."', "...", " [1]"]), max_size=25
).map("".join)


def cleaned(text: str, **parameters: object) -> str:
    batch = C4Quality.model_validate({"min_sentences": None, **parameters})(batch_of(text))
    assert batch["refused_reason"].to_pylist() == [None]
    return batch["text"][0].as_py()


def test_the_lines_of_the_paper_are_dropped() -> None:
    text = "\n".join(
        [
            "  Home | About ",
            LINE,
            "A line that breaks off...",
            "Two words.",
            "Please enable JavaScript to see this.",
            "We use cookies and have a Privacy Policy.",
            "It was found[3] and lost[citation needed] here.",
            f"A {'x' * 1001} word.",
            'He said: "This is it."',
        ]
    )
    assert cleaned(text) == f'{LINE}\nIt was found and lost here.\nHe said: "This is it."'


def test_outcomes_are_counted_and_the_digest_follows_the_text() -> None:
    row = C4Quality(min_sentences=1)(batch_of(f"{LINE} Right.\nno\nToo short.")).to_pylist()[0]
    assert row["text"] == f"{LINE} Right."
    assert row["text_digest"] == digest_text(row["text"])
    assert (row["c4_lines_kept"], row["c4_lines_no_terminal"], row["c4_lines_few_words"]) == (1, 1, 1)
    assert row["c4_sentences"] == 2


def test_an_unchanged_text_keeps_its_digest() -> None:
    batch = C4Quality(min_sentences=1)(batch_of(LINE))
    assert batch["text_digest"].to_pylist() == ["?"]


def test_refusals_keep_the_text() -> None:
    texts = [f"{LINE}\nLorem ipsum is here now.", f"{LINE}\nint main() {{ return 0; }}.", LINE, "nothing"]
    batch = C4Quality()(batch_of(*texts))
    assert batch["refused_reason"].to_pylist() == [
        "placeholder",
        "curly_bracket",
        "too_few_sentences",
        "too_few_sentences",
    ]
    assert batch["text"].to_pylist() == texts
    assert batch["refused_detail"].to_pylist()[2] == "1 sentences; least 5"


def test_a_bracket_in_a_dropped_line_refuses_nothing() -> None:
    assert cleaned(f"{LINE}\nfunction () {{") == LINE


@pytest.mark.parametrize(
    ("text", "parameters", "expected"),
    [
        (f"{LINE}\nHome", {"terminal_punctuation": False, "min_line_words": None}, f"{LINE}\nHome"),
        ("Two words.", {"min_line_words": None}, "Two words."),
        (f"A {'x' * 1001} word.", {"max_word_length": None}, f"A {'x' * 1001} word."),
        ("A note [1] stays here.", {"citations": False}, "A note [1] stays here."),
        ("We use cookies right here.", {"policy_phrases": []}, "We use cookies right here."),
        ("The JavaScript is still here.", {"script_words": []}, "The JavaScript is still here."),
        ("A lorem ipsum is here.", {"placeholders": []}, "A lorem ipsum is here."),
        ("Some { bracket is here.", {"curly_brackets": False}, "Some { bracket is here."),
    ],
)
def test_each_rule_can_be_switched_off(text: str, parameters: dict[str, object], expected: str) -> None:
    assert cleaned(text, **parameters) == expected


def test_bad_configuration() -> None:
    with pytest.raises(ValueError, match="placeholders"):
        C4Quality(placeholders=("Lorem",))
    with pytest.raises(ValueError, match="64 phrases"):
        C4Quality(script_words=tuple(f"word{number}" for number in range(65)))
    with pytest.raises(ValueError, match="language"):
        C4Quality(language="tlh")


def expected_lines(text: str) -> list[str] | None:
    """The rules as they are defined, on Python's strings; None where the document is refused."""
    kept: list[str] = []
    for raw in text.splitlines():
        words = raw.split()
        line = re.sub(r"\[\d*\]|\[edit\]|\[citation needed\]", "", raw.strip())
        lowered = line.lower()
        ends = line.endswith((".", "?", "!", '"', "'")) and not line.endswith("...")
        if len(words) < 3 or not ends or any(len(word) > 12 for word in words):
            continue
        if "lorem ipsum" in lowered:
            return None
        if "javascript" in lowered:
            continue
        if "{" in line:
            return None
        if not any(phrase in lowered for phrase in POLICY):
            kept.append(line)
    return kept


@given(st.lists(TEXTS, max_size=6))
@settings(deadline=None, max_examples=200)
def test_lines_are_kept_by_the_definition(texts: list[str]) -> None:
    batch = C4Quality(min_sentences=None, max_word_length=12)(batch_of(*texts))
    for row, text in zip(batch.to_pylist(), texts, strict=True):
        lines = expected_lines(text)
        if row["refused_reason"] == "empty":
            assert lines == []
        elif row["refused_reason"]:
            assert lines is None
        else:
            assert lines is not None
            assert row["text"] == "\n".join(lines).strip()
            assert row["c4_lines_kept"] == len(lines)


def test_nasty_texts_are_judged_alone_as_together() -> None:
    step = C4Quality(terminal_punctuation=False, min_line_words=None)
    together = step(batch_of(*NASTY.values())).to_pylist()
    assert [step(batch_of(text)).to_pylist()[0] for text in NASTY.values()] == together
    assert reasons(C4Quality()) == []
