from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.curate.normalize import Normalize


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cafe\u0301", "café"),
        ("cafe\u200b\u0301", "café"),
        ("a\u00a0b\u2003c\u3000d", "a b c d"),
        ("soft\u00adhyphen \u200eleft\ufeff", "softhyphen left"),
        ("one\r\ntwo\rthree\u2028four\u0085five", "one\ntwo\nthree\nfour\nfive"),
        ("a  b\t c   \n\n\n\nd\n \t \ne", "a b c\n\nd\n\ne"),
        ("text:\n\n    x  =  1\n\ty  =  2", "text:\n\n    x  =  1\n    y  =  2"),
        ("\n\n    code  first", "    code  first"),
        ("a <b>bold</b> word &amp; <br> more", "a bold word & more"),
        ("use the <b> element and a < b", "use the <b> element and a < b"),
        ("use </p> to end\n\n    <p>code</p> &amp;", "use to end\n\n    <p>code</p> &amp;"),
        (
            "zero\u200cwidth joiners \U0001f469\u200d\U0001f4bb stay",
            "zero\u200cwidth joiners \U0001f469\u200d\U0001f4bb stay",
        ),
        ("bell\x07 null\x00", "bell null"),
        (" \u200b\n", ""),
    ],
)
def test_normalized_text(text: str, expected: str) -> None:
    assert Normalize().text(text) == expected


def test_a_title_is_one_line() -> None:
    assert Normalize().line(" To\u00a0launch\n an <i>instance</i> ") == "To launch an instance"


def test_markup_and_form_are_parameters() -> None:
    assert Normalize(markup=False).text("<b>x</b> &amp; ﬁ") == "<b>x</b> &amp; ﬁ"
    assert Normalize(form="NFKC").text("ﬁ") == "fi"
    assert Normalize().fingerprint != Normalize(markup=False).fingerprint
    with pytest.raises(ValueError, match="form"):
        Normalize.model_validate({"form": "NFX"})


TEXT = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from(" \t\n\u0301\u200b\u00a0\x85\r"), max_size=60
)


@given(TEXT)
def test_normalizing_twice_changes_nothing_more(text: str) -> None:
    once = Normalize(markup=False).text(text)
    assert Normalize(markup=False).text(once) == once
    assert unicodedata.is_normalized("NFC", once)


@given(TEXT)
def test_with_markup_the_result_is_still_in_form(text: str) -> None:
    found = Normalize().text(text + "</b>&#x301;&#8203;")
    assert unicodedata.is_normalized("NFC", found)
    assert "\u200b" not in found
    assert found == found.rstrip()


@pytest.mark.parametrize(
    "piece", [" ", "\t", "\n", " \n", "</p", "<b ", "&", "&#1", "    x    ", "a ", "\u0301"]
)
def test_hostile_texts_take_linear_time(piece: str) -> None:
    began = time.process_time()
    Normalize().text("x" + piece * (600_000 // len(piece)) + "</b>y")
    Normalize().text("    x" + piece * (600_000 // len(piece)) + "</b>y")
    assert time.process_time() - began < 5
