from __future__ import annotations

import hashlib
import html
import re
import time
import unicodedata

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headwater.curate.normalize import Normalize
from headwater.curate.step import REASON


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cafe\u0301", "café"),
        ("cafe\u200b\u0301", "café"),
        ("\u1112\u1161\u11ab", "한"),
        ("q\u0307\u0323", "q\u0323\u0307"),
        ("a\u00a0b\u2003c\u3000d", "a b c d"),
        ("soft\u00adhyphen \u200eleft\ufeff", "softhyphen left"),
        ("one\r\ntwo\rthree\u2028four\u0085five", "one\ntwo\nthree\nfour\nfive"),
        ("a  b\t c   \n\n\n\nd\n \t \ne", "a b c\n\nd\n\ne"),
        ("text:\n\n    x  =  1\n\ty  =  2", "text:\n\n    x  =  1\n    y  =  2"),
        ("\n\n    code  first", "    code  first"),
        ("a <b>bold</b> word &amp; <br> more", "a bold word & more"),
        ("use the <b> element and a < b", "use the <b> element and a < b"),
        ("use </p> to end\n\n    <p>code</p> &amp;", "use to end\n\n    <p>code</p> &amp;"),
        ("the <b> element\n\n    <b>bold</b>", "the <b> element\n\n    <b>bold</b>"),
        ("tabbed:\n\n\t<b>code</b> &amp;", "tabbed:\n\n    <b>code</b> &amp;"),
        ("5 &lt; 6 &#x3e; &#8364;&#x301;", "5 < 6 > €\u0301"),
        ("AT&T; &unknown; &#; &#x; &amp", "AT&T; &unknown; &#; &#x; &amp"),
        (
            "zero\u200cwidth joiners \U0001f469\u200d\U0001f4bb stay",
            "zero\u200cwidth joiners \U0001f469\u200d\U0001f4bb stay",
        ),
        ("bell\x07 null\x00", "bell null"),
        (" \u200b\n", ""),
        ("שלום \u202bעולם\u202c", "שלום עולם"),
    ],
)
def test_normalized_text(text: str, expected: str) -> None:
    assert Normalize().text(text) == expected


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "cp1251", "cp1250", "mac-roman", "cp437"])
def test_text_read_in_a_wrong_encoding_is_repaired(encoding: str) -> None:
    words = {"cp1251": "Привет, как дела", "cp1250": "Zażółć gęślą jaźń"}.get(encoding, "déjà vu – “voilà”")
    garbled = f"Plain line.\n{words.encode().decode(encoding, 'replace')}\nПриклад: Італія, їжа"
    if "\ufffd" in garbled:
        garbled = "Plain line.\n" + "café déçu".encode().decode(encoding) + "\nПриклад: Італія, їжа"
        words = "café déçu"
    assert Normalize().text(garbled) == f"Plain line.\n{words}\nПриклад: Італія, їжа"
    assert Normalize(mojibake=False).text(garbled) != Normalize().text(garbled)


@pytest.mark.parametrize(
    "text",
    [
        "« À », dit-il : « déjà\u202f»",
        "l’été, d’être, jusqu’à",
        "»Überstreichen« heißt das",
        "Її вії, лії, Рік Віра",
        "┌───┬───┐\n│ a │ b │\n├───┼───┤",
        "Łódź, źdźbło, Ćma",
        "日本語、中文。한국어",
        "“é” 5 € – ©2020 ½",
    ],
)
def test_correct_text_is_no_mojibake(text: str) -> None:
    batch = Normalize()(pa.RecordBatch.from_pydict({"text": [text]}))
    assert batch.column("text").to_pylist() == [text.replace("\u202f", " ")]
    assert batch.column("repaired_lines").to_pylist() == [0]


def test_columns_of_a_batch() -> None:
    texts = ["one  two", "", "cafÃ© au lait\nplain\ndÃ©jÃ  vu", "&nbsp;", "日本\u3000語"]
    given_rows = {
        "text": texts,
        "title": [" To\u00a0launch\n an <i>instance</i> ", "", "cafÃ©", "a\tb", "    code  title"],
        "section": ["A", "B  C", "", "x\u200b", "&amp;"],
        "text_digest": ["0" * 64] * 5,
        "uri": list("abcde"),
    }
    batch = Normalize()(pa.RecordBatch.from_pydict(given_rows))
    found = batch.to_pydict()
    assert found["text"] == ["one two", "", "café au lait\nplain\ndéjà vu", "", "日本 語"]
    assert found["title"] == ["To launch an instance", "", "café", "a b", "code title"]
    assert found["section"] == ["A", "B C", "", "x", "&"]
    assert found["uri"] == list("abcde")
    assert found["repaired_lines"] == [0, 0, 2, 0, 0]
    assert found[REASON] == [None, "no_text", None, "no_text", None]
    assert found["text_digest"] == [hashlib.sha256(text.encode()).hexdigest() for text in found["text"]]


def test_a_title_is_one_line() -> None:
    assert Normalize().line(" To\u00a0launch\n an <i>instance</i> ") == "To launch an instance"


def test_markup_and_form_are_parameters() -> None:
    assert Normalize(markup=False).text("<b>x</b> &amp; ﬁ") == "<b>x</b> &amp; ﬁ"
    assert Normalize(form="NFKC").text("ﬁ…") == "fi..."
    assert Normalize().fingerprint != Normalize(markup=False).fingerprint
    with pytest.raises(ValueError, match="form"):
        Normalize.model_validate({"form": "NFX"})


SINGLE = " \t\n\r\0\x85\x9c;&<>éÃ©Р°ﬁ\u0301\u0323\u200b\u00a0\u3000\u00ad\u1112\u1161\U0001f469"
MARKUP = ("</b>", "<b>", "<BR/>", "</p >", "<i a=b>", "&amp;", "&#x301;", "&#8203;", "&lt;b&gt;")
LONGER = (
    "  ",
    "\n\n\n",
    "    ",
    "â€™",
    "日本",
    "שלום",
    "words of a text that is long enough for the short cut",
)
PIECES = st.sampled_from([*SINGLE, *MARKUP, *LONGER])
CHARACTERS = st.characters(exclude_categories=["Cs"])
TEXT = st.lists(PIECES | CHARACTERS | st.text(CHARACTERS, max_size=8), max_size=24).map("".join)


@settings(deadline=None)
@given(TEXT)
def test_normalizing_twice_changes_nothing_more(text: str) -> None:
    once = Normalize(markup=False).text(text)
    assert Normalize(markup=False).text(once) == once
    assert unicodedata.is_normalized("NFC", once)


@settings(deadline=None)
@given(TEXT)
def test_with_markup_the_result_is_still_in_form(text: str) -> None:
    found = Normalize().text(text + "</b>&#x301;&#8203;")
    assert unicodedata.is_normalized("NFC", found)
    assert "\u200b" not in found
    assert found == found.rstrip()


@settings(deadline=None, max_examples=300)
@given(TEXT, st.booleans(), st.sampled_from(["NFC", "NFKC"]))
@example("a" * 40 + "\n    b  c\n" + "d" * 40 + ";  e", True, "NFC")
def test_equal_to_the_definition(text: str, markup: bool, form: str) -> None:
    step = Normalize.model_validate({"mojibake": False, "markup": markup, "form": form})
    assert step.text(text) == defined(text, markup=markup, form=form)


@settings(deadline=None, max_examples=30)
@given(st.lists(TEXT, max_size=6), st.integers(1, 4))
def test_no_text_depends_on_its_batch(texts: list[str], size: int) -> None:
    whole = pa.RecordBatch.from_pydict({"text": texts}, schema=pa.schema([("text", pa.string())]))
    parts = [Normalize()(whole.slice(start, size)) for start in range(0, len(texts), size)]
    expected = Normalize()(whole)
    assert pa.Table.from_batches(parts, expected.schema).equals(pa.Table.from_batches([expected]))


@pytest.mark.parametrize(
    "piece",
    [
        " ",
        "\t",
        "\n",
        " \n",
        "</p",
        "<b ",
        "&",
        "&#1",
        "    x    ",
        "a ",
        "\u0301",
        "é",
        "Ã©",
        "\n    x",
        "\0",
    ],
)
def test_hostile_texts_take_linear_time(piece: str) -> None:
    began = time.process_time()
    Normalize().text("x" + piece * (600_000 // len(piece)) + "</b>y")
    Normalize().text("    x" + piece * (600_000 // len(piece)) + "</b>y")
    assert time.process_time() - began < 5


def test_twenty_megabytes_in_one_line() -> None:
    text = "cafÃ©: " + "no line ends, no é and <b>no</b> a &amp; b; " * 20_000 + "déjà  " * 2_500_000
    began = time.process_time()
    found = Normalize().text(text)
    assert time.process_time() - began < 6
    assert found.startswith("café: no line ends, no é and no a & b; no")


def defined(text: str, *, markup: bool, form: str) -> str:
    """What `Normalize` does without the repair of mojibake, rule by rule."""
    text = regular(text, form)
    return regular(unmarked(text), form) if markup else text


def regular(text: str, form: str) -> str:
    while True:
        changed = unicodedata.normalize(form, whitespace(text))
        if changed == text:
            return text
        text = changed


def whitespace(text: str) -> str:
    text = re.sub("\r\n?|[\u0085\u2028\u2029]", "\n", text)
    text = re.sub(
        "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064"
        "\u2066-\u2069\ufeff\ufff9-\ufffb\ufffe\uffff]",
        "",
        text,
    )
    text = re.sub("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]", " ", text)
    text = re.sub(r"^\t+", lambda tabs: "    " * len(tabs.group()), text, flags=re.MULTILINE)
    lines = (
        line if line.startswith("    ") else re.sub(r"(?<=\S)[ \t]+", " ", line) for line in text.split("\n")
    )
    text = "\n".join(line.rstrip() for line in lines)
    text = re.sub(r"\n{3,}", "\n\n", text).strip("\n")
    return text if text.startswith("    ") else text.lstrip()


def unmarked(text: str) -> str:
    names = "p|b|i|u|a|em|strong|code|span|div|li|ul|ol|pre|tt|font|small|sub|sup|td|tr|th|table|h[1-6]"
    lines = text.split("\n")
    prose = "\n".join(line for line in lines if not line.startswith("    "))
    closed = [*dict.fromkeys(name.lower() for name in re.findall(rf"</({names}) ?>", prose, re.I))]
    tag = (
        rf"(?i:</?(?:{'|'.join([*closed, 'br', 'hr', 'img'])})(?:\s[^<>]{{0,500}})?/?>)" if closed else "(?!)"
    )
    remains = re.compile(rf"({tag})|&(?:nbsp|amp|lt|gt|quot|apos|#[0-9]{{1,7}}|#x[0-9a-fA-F]{{1,6}});")
    return "\n".join(
        line
        if line.startswith("    ")
        else remains.sub(lambda found: "" if found.group(1) else html.unescape(found.group()), line)
        for line in lines
    )
