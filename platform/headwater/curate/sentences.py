"""Where sentences and blocks of a text begin and end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_HEADING = re.compile(r"(#{1,6}) +(\S.*)")
CODE_INDENT = "    "
# A new item or a line of code starts a sentence of its own.
_ITEM = re.compile(r"^(?: {0,3}(?:[-*+•‣]|\d{1,3}[.)]) +| {4,}\S)", re.MULTILINE)
# Sentence-final marks, also Devanagari's, Arabic's, Armenian's and Ethiopic's; those of scripts that write
# no spaces need none behind them.
_END = re.compile(r"(?:[.!?…।॥؟۔։።]+[\"'”’»)\]]*(?=\s)|[。！？｡]+[」』”’）]*)")
_ABBREVIATIONS = frozenset(
    [
        "e.g",
        "i.e",
        "etc",
        "vs",
        "cf",
        "al",
        "ca",
        "approx",
        "no",
        "nos",
        "fig",
        "figs",
        "eq",
        "sec",
        "ch",
        "vol",
        "pp",
        "p",
        "ed",
        "eds",
        "inc",
        "ltd",
        "corp",
        "co",
        "dept",
        "dr",
        "mr",
        "mrs",
        "ms",
        "prof",
        "rev",
        "st",
        "jr",
        "sr",
        "gen",
        "col",
        "sgt",
        "u.s",
        "u.k",
        "a.m",
        "p.m",
        "jan",
        "feb",
        "mar",
        "apr",
        "jun",
        "jul",
        "aug",
        "sep",
        "sept",
        "oct",
        "nov",
        "dec",
        "z.b",
        "d.h",
        "bzw",
        "usw",
        "u.a",
        "evtl",
        "ggf",
        "vgl",
        "nr",
        "bspw",
        "m.e",
        "p.ex",
        "sra",
        "ud",
    ]
)
_NEXT = re.compile(r"\s*(\S)")
_LAST_WORD = re.compile(r"[\w.]*\w$")


@dataclass(frozen=True)
class Block:
    """A paragraph, list or piece of code at [start, end) of a text, and the headings above it."""

    start: int
    end: int
    headings: tuple[str, ...]


def blocks(text: str) -> Iterator[Block]:
    """The paragraphs of `text`; headings (one to six `#` on a line of its own) stand above what follows.

    A text that is nothing but headings is one block.
    """
    headings: list[tuple[int, str]] = []
    found = False
    for start, end in _paragraphs(text):
        heading = _HEADING.fullmatch(text, start, end)
        if heading:
            level = len(heading.group(1))
            headings = [(above, title) for above, title in headings if above < level]
            headings.append((level, heading.group(2)))
        else:
            found = True
            yield Block(start, end, tuple(title for _, title in headings))
    if not found and text.strip():
        yield Block(len(text) - len(text.lstrip()), len(text.rstrip()), ())


def _paragraphs(text: str) -> Iterator[tuple[int, int]]:
    """Offsets of the runs of lines that are not blank, without the whitespace at their end."""
    position, start = 0, -1
    while position < len(text):
        line_end = text.find("\n", position)
        line_end = len(text) if line_end < 0 else line_end
        blank = not text[position:line_end].strip()
        if blank and start >= 0:
            yield start, _trimmed(text, start, position)
            start = -1
        elif not blank and start < 0:
            start = position
        position = line_end + 1
    if start >= 0:
        yield start, _trimmed(text, start, len(text))


def sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Offsets of the sentences of text[start:end]: in order, apart only by whitespace.

    Rules, no model: a final mark ends a sentence unless it belongs to an abbreviation, an initial or is
    followed by a lower-case letter; list items and lines of code stand for themselves.
    """
    cuts = {match.start() for match in _ITEM.finditer(text, start, end)}
    cuts |= {match.end() for match in _END.finditer(text, start, end) if _ends(text, match)}
    begin = start
    for cut in [*sorted(cut for cut in cuts if start < cut < end), end]:
        first, last = _skip(text, begin, cut), _trimmed(text, begin, cut)
        if first < last:
            yield first, last
        begin = cut


def _ends(text: str, match: re.Match[str]) -> bool:
    if not match.group().startswith("."):
        return True
    following = _NEXT.match(text, match.end())
    if following is not None and following.group(1).islower():
        return False
    if len(match.group()) > 1:
        return True
    word = _LAST_WORD.search(text, max(0, match.start() - 20), match.start())
    if word is None:
        return True
    name = word.group().lower()
    initial = len(name) == 1 and name.isalpha() and word.group().isupper()
    return not initial and name not in _ABBREVIATIONS


def _skip(text: str, start: int, end: int) -> int:
    # The indentation of code belongs to it.
    while start < end and text[start] == "\n":
        start += 1
    if text.startswith(CODE_INDENT, start):
        return start
    while start < end and text[start].isspace():
        start += 1
    return start


def _trimmed(text: str, start: int, end: int) -> int:
    while end > start and text[end - 1].isspace():
        end -= 1
    return end
