from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.curate.sentences import blocks, sentences


def split(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text, 0, len(text))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("See e.g. Section 3.2 of Fig. 4. Then stop.", ["See e.g. Section 3.2 of Fig. 4.", "Then stop."]),
        ("Dr. J. Smith came. He left.", ["Dr. J. Smith came.", "He left."]),
        ("The file a.txt is read. it goes on", ["The file a.txt is read. it goes on"]),
        ('He said "Stop." Then he went.', ['He said "Stop."', "Then he went."]),
        ("Wait... What?", ["Wait...", "What?"]),
        (
            "你好。再见！好",
            ["你好。", "再见！", "好"],
        ),
        (
            "नमस्ते। फिर।",
            ["नमस्ते।", "फिर।"],
        ),
        ("Do:\n- one thing\n- another\n  wrapped", ["Do:", "- one thing", "- another\n  wrapped"]),
        ("Run:\n    x = 1\n    y = 2", ["Run:", "    x = 1", "    y = 2"]),
        ("wrapped\nline. Next", ["wrapped\nline.", "Next"]),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert split(text) == expected


def test_blocks_know_the_headings_above_them() -> None:
    text = "Intro.\n\n# A\n\nOne.\nstill one\n\n## B\n\n### C\n\nTwo.\n\n## D\n\nThree.\n\n# E\n\nFour."
    found = [(text[block.start : block.end], block.headings) for block in blocks(text)]
    assert found == [
        ("Intro.", ()),
        ("One.\nstill one", ("A",)),
        ("Two.", ("A", "B", "C")),
        ("Three.", ("A", "D")),
        ("Four.", ("E",)),
    ]


def test_a_text_of_headings_alone_is_a_block() -> None:
    (block,) = blocks("# A\n\n## B\n")
    assert (block.start, block.end) == (0, 9)


TEXT = st.text(st.sampled_from("aB1.!?。 \n-#\t\"'e g"), max_size=80)


@given(TEXT)
def test_sentences_cover_all_but_whitespace_in_order(text: str) -> None:
    position = 0
    for start, end in sentences(text, 0, len(text)):
        assert position <= start < end
        assert not text[position:start].strip()
        position = end
    assert not text[position:].strip()


@given(TEXT)
def test_blocks_are_in_order_and_not_blank(text: str) -> None:
    position = 0
    for block in blocks(text):
        assert position <= block.start < block.end
        assert text[block.start : block.end].strip()
        position = block.end


@pytest.mark.parametrize("piece", ["a. ", " ", ". ", "\n", "- x\n", "e.g. ", '."', "# a\n\n", "a.\n"])
def test_hostile_texts_take_linear_time(piece: str) -> None:
    text = piece * (600_000 // len(piece))
    began = time.process_time()
    for block in blocks(text):
        for _ in sentences(text, block.start, block.end):
            pass
    assert time.process_time() - began < 10
