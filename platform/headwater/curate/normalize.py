"""Normalization: Unicode, whitespace and remains of markup."""

from __future__ import annotations

import html
import re
import unicodedata
from typing import ClassVar, Literal

import pyarrow as pa

from headwater.curate.step import StepSettings, Verdict, strings, with_columns, with_verdicts
from headwater.fingerprint import digest_text

# Control characters but tab and newline, soft hyphen, zero-width characters, marks of direction, byte order
# mark, noncharacters. The joiners U+200C and U+200D stay: Indic and Persian words and emoji need them.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064"
    "\u2066-\u2069\ufeff\ufff9-\ufffb\ufffe\uffff]"
)
_SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_LINE_ENDS = re.compile("\r\n?|[\u0085\u2028\u2029]")
_LEADING_TABS = re.compile(r"^\t+", re.MULTILINE)
_BLANK_LINES = re.compile(r"\n{3,}")
_RUNS = re.compile(r"(?<=\S)[ \t]{2,}|(?<=\S)\t")
_ENTITY = re.compile(r"&(?:nbsp|amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9a-fA-F]{1,6});")
_CLOSING = re.compile(
    r"</(p|b|i|u|a|em|strong|code|span|div|li|ul|ol|pre|tt|font|small|sub|sup|td|tr|th|table|h[1-6])\s*>",
    re.IGNORECASE,
)


class Normalize(StepSettings):
    """Brings text and title into one form; a document of which nothing is left is refused (`no_text`).

    `form` is the Unicode normalization form (NFC, as the W3C's Character Model advises; NFKC also folds
    compatibility characters). Invisible characters go, all spaces and line ends become ordinary ones,
    trailing spaces and more than one blank line go, runs of spaces inside a line become one. Lines that
    begin with four spaces are code and keep their inner spaces.

    `markup` removes what an extraction or an export left behind: elements whose end tag stands in the
    text, and character references. A lone `<b>` that prose talks about has no end tag and stays; code keeps
    everything.
    """

    name: ClassVar[str] = "normalize"
    form: Literal["NFC", "NFKC"] = "NFC"
    markup: bool = True

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Replaces `text`, `title`, `section` and `text_digest`; adds the verdict."""
        texts = [self.text(text) for text in strings(batch, "text")]
        verdicts = [None if text else Verdict("no_text", "nothing but whitespace is left") for text in texts]
        changed = with_columns(
            batch,
            text=texts,
            text_digest=[digest_text(text) for text in texts],
            title=[self.line(title) for title in strings(batch, "title")],
            section=[self.line(section) for section in strings(batch, "section")],
        )
        return with_verdicts(changed, verdicts)

    def line(self, text: str) -> str:
        """A title or section on one line."""
        return " ".join(self.text(text).split())

    def text(self, text: str) -> str:
        """The normalized text; without `markup`, applying it twice changes nothing more."""
        text = self._characters(text)
        if self.markup and ("</" in text or "&" in text):
            # A character reference may stand for an invisible character, or for half of an accented letter.
            text = self._characters(_outside_code(text, _without_markup(text)))
        text = _LEADING_TABS.sub(lambda match: "    " * len(match.group()), text)
        lines = (line if line.startswith("    ") else _RUNS.sub(" ", line) for line in text.split("\n"))
        text = "\n".join(line.rstrip(" \t") for line in lines)
        text = _BLANK_LINES.sub("\n\n", text).strip("\n")
        return text if text.startswith("    ") else text.lstrip()

    def _characters(self, text: str) -> str:
        text = _INVISIBLE.sub("", _LINE_ENDS.sub("\n", text))
        return text if text.isascii() else _SPACES.sub(" ", unicodedata.normalize(self.form, text))


def _without_markup(text: str) -> re.Pattern[str] | None:
    """What to remove from the prose of a text: the tags of elements that are closed somewhere in it."""
    closed = sorted({match.group(1).lower() for match in _CLOSING.finditer(text)})
    if not closed:
        return None
    return re.compile(rf"</?(?:{'|'.join(closed)}|br|hr|img)(?:\s[^<>]{{0,500}})?/?>", re.IGNORECASE)


def _outside_code(text: str, tags: re.Pattern[str] | None) -> str:
    lines: list[str] = []
    for line in text.split("\n"):
        if line.startswith("    "):
            lines.append(line)
            continue
        bare = tags.sub("", line) if tags else line
        lines.append(_ENTITY.sub(lambda match: html.unescape(match.group()), bare))
    return "\n".join(lines)
