"""What each character is, as bits in one table, and the step from UTF-8 bytes to code points.

Letters, digits and white space are those of Python's `str` methods, so that a kernel and a plain Python
reading of its definition agree on every text.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa

from headwater.curate.kernels.blocks import BLOCK, equal_bits, first_bit
from headwater.curate.kernels.buffers import Bytes, TextBuffers, bare_jit, inlined

Int = Any
"""A whole number in a kernel: Python's or one of an array, which the type checker keeps apart."""
Classes = np.ndarray[Any, np.dtype[np.uint32]]

CODE_POINTS = 0x110000

SPACE = 1 << 0
"""`str.isspace`."""
ALPHA = 1 << 1
"""`str.isalpha`."""
LETTER = 1 << 2
r"""The regular expression `[^\W\d_]`: letters and the numerals that are no decimal digits."""
WORD = 1 << 3
r"""The regular expression `\w`."""
UNSPACED = 1 << 4
"""Of a script that puts no spaces between words."""
SYMBOL = 1 << 5
"""What GopherQualityFilter of datatrove 0.10 takes for punctuation: words of nothing else are no words."""
TERMINAL = 1 << 6
"""Ends a sentence: Unicode's Sentence_Terminal, as the FineWeb rules list it."""
DIGIT = 1 << 7
"""0 to 9."""
LOWER = 1 << 8
"""A letter that is no capital."""
UPPER = 1 << 9
"""A capital letter."""
PREFIX = 1 << 10
"""Splits off the beginning of a word, as a word of its own."""
SUFFIX = 1 << 11
"""Splits off the end of a word, as a word of its own."""
PUNCTUATION = 1 << 12
"""Unicode category P."""
QUOTE = 1 << 13
ICON = 1 << 14
"""Unicode category So: a word of its own wherever it stands."""
PLAIN = 1 << 15
"""`ALPHA` or `DIGIT` and no `SYMBOL`: nothing splits a word of these."""
INNER = 1 << 16
"""May split a word inside."""

UNSPACED_RANGES = "E00-EFF 1000-109F 1780-17FF 3040-30FF 31F0-31FF 3400-4DBF 4E00-9FFF F900-FAFF 20000-3FFFF"
TERMINAL_RANGES = """
    21 2E 3F 589 61D-61F 6D4 700-702 7F9 837 839 83D-83E 964-965 104A-104B 1362 1367-1368 166E 1735-1736
    17D4-17D6 17D9-17DA 1803 1809 1944-1945 1AA8-1AAB 1B5A-1B5B 1B5E-1B5F 1B7D-1B7E 1C3B-1C3C 1C7E-1C7F
    203C-203D 2047-2049 2E2E 2E3C 2E53-2E54 3002 A4FF A60E-A60F A6F3 A6F7 A876-A877 A8CE-A8CF A92F A9C8-A9C9
    AA5D-AA5F AAF0-AAF1 ABEB FE52 FE56-FE57 FF01 FF0E FF1F FF61 10A56-10A57 10F55-10F59 10F86-10F89
    11047-11048 110BE-110C1 11141-11143 111C5-111C6 111CD 111DE-111DF 11238-11239 1123B-1123C 112A9
    1144B-1144C 115C2-115C3 115C9-115D7 11641-11642 1173C-1173E 11944 11946 11A42-11A43 11A9B-11A9C
    11C41-11C42 11EF7-11EF8 11F43-11F44 16A6E-16A6F 16AF5 16B37-16B38 16B44 16E98 1BC9F 1DA88
"""
SYMBOL_RANGES = """
    0-8 B-1F 22-2D 2F 3A-3E 40 5B-60 7B-9F AB B4 BB 2013-2014 2019 201C-201E 2026 2236 2501 25BA 3001
    3008-300D 3010-3011 FF05 FF08-FF09 FF0C FF11 FF1A-FF1B FF5E
"""
QUOTES = "'\"”“`‘´’‚,„»«「」『』（）〔〕【】《》〈〉⟦⟧"
PEELED = "…,:;!?¿؟¡()[]{}<>_#*&。？！，、；：～·।،۔؛٪—–" + QUOTES
# No punctuation and no symbol has a greater code point, nor any letter, digit or white space.
_LAST_BY_CATEGORY = 0x20000
_LAST_WITH_LETTERS = 0x40000
PEELED_BEFORE = "§%=$£€¥฿₽"


def ranges(listed: str) -> list[tuple[int, int]]:
    """First and last code point of each range in a list such as `21 61D-61F`."""
    pairs = (one.split("-") for one in listed.split())
    return [(int(pair[0], 16), int(pair[-1], 16)) for pair in pairs]


@cache
def character_classes() -> Classes:
    """The bits above for every code point. Read-only."""
    points = np.arange(_LAST_WITH_LETTERS, dtype=np.uint32).view("U1")
    alpha, digit = np.strings.isalpha(points), np.strings.isdecimal(points)
    alphanumeric = np.strings.isalnum(points)
    upper = np.strings.isupper(points)
    classes = np.zeros(CODE_POINTS, dtype=np.uint32)
    for bit, members in (
        (SPACE, np.strings.isspace(points)),
        (ALPHA, alpha),
        (LETTER, alphanumeric & ~digit),
        (WORD, alphanumeric),
        (LOWER, alpha & ~upper),
        (UPPER, upper),
    ):
        classes[:_LAST_WITH_LETTERS][members] |= np.uint32(bit)
    classes[ord("_")] |= np.uint32(WORD)
    for bit, listed in (
        (UNSPACED, UNSPACED_RANGES),
        (TERMINAL, TERMINAL_RANGES),
        (SYMBOL, TERMINAL_RANGES + SYMBOL_RANGES),
        (DIGIT, "30-39"),
    ):
        for first, last in ranges(listed):
            classes[first : last + 1] |= np.uint32(bit)
    for bit, listed in (
        (PREFIX | SUFFIX, PEELED),
        (PREFIX, PEELED_BEFORE),
        (QUOTE, QUOTES),
        (INNER, "*+,-./:<=>^~…–—"),
    ):
        for character in listed:
            classes[ord(character)] |= np.uint32(bit)
    for point in range(_LAST_BY_CATEGORY):
        category = unicodedata.category(chr(point))
        if category[0] == "P":
            classes[point] |= np.uint32(PUNCTUATION)
        elif category == "So":
            classes[point] |= np.uint32(ICON | INNER)
    plain = (classes & (ALPHA | DIGIT) != 0) & (classes & SYMBOL == 0)
    classes[plain] |= np.uint32(PLAIN)
    classes.setflags(write=False)
    return classes


@inlined
def code_point(data: Bytes, at: Int) -> Int:
    """The character whose first byte stands at `at` of valid UTF-8."""
    lead = np.int64(data[at])
    if lead < 0x80:
        return lead
    if lead < 0xE0:
        return (lead & 0x1F) << 6 | (np.int64(data[at + 1]) & 0x3F)
    if lead < 0xF0:
        return (lead & 0xF) << 12 | (np.int64(data[at + 1]) & 0x3F) << 6 | (np.int64(data[at + 2]) & 0x3F)
    return (
        (lead & 0x7) << 18
        | (np.int64(data[at + 1]) & 0x3F) << 12
        | (np.int64(data[at + 2]) & 0x3F) << 6
        | (np.int64(data[at + 3]) & 0x3F)
    )


@inlined
def width(lead: Int) -> int:
    """Bytes of a character, by its first."""
    if lead < 0x80:
        return 1
    if lead < 0xE0:
        return 2
    return 3 if lead < 0xF0 else 4


@inlined
def class_at(data: Bytes, at: Int, classes: Classes) -> Int:
    """Bits of the character whose first byte stands at `at`."""
    return np.int64(classes[code_point(data, at)])


@inlined
def before(data: Bytes, end: int) -> int:
    """Where the character that ends before `end` begins."""
    at = end - 1
    while data[at] & 0xC0 == 0x80:
        at -= 1
    return at


@bare_jit
def count_characters(data: Bytes, begin: int, end: int) -> int:
    """Characters in `data[begin:end]`."""
    count = 0
    for at in range(begin, end):
        count += (data[at] & 0xC0) != 0x80
    return count


@inlined
def find_byte(data: Bytes, begin: int, end: int, byte: int) -> int:
    """Where the ASCII character `byte` stands first from `begin` on; `end` when it does not."""
    at = begin
    while at < end and at + BLOCK <= len(data):
        found = first_bit(equal_bits(data, at, byte))
        if found < BLOCK:
            return min(at + found, end)
        at += BLOCK
    while at < end and data[at] != byte:
        at += 1
    return min(at, end)


@inlined
def skip_space(data: Bytes, begin: int, end: int, classes: Classes) -> int:
    """Where the first character from `begin` that is no white space begins; `end` when there is none."""
    at = begin
    while at < end and data[at] == 32:
        at += 1
    while at < end and class_at(data, at, classes) & SPACE:
        at += width(data[at])
    return at


@inlined
def trim_space(data: Bytes, begin: int, end: int, classes: Classes) -> int:
    """Where the last character before `end` that is no white space ends; `begin` when there is none."""
    while end > begin:
        at = before(data, end)
        if not class_at(data, at, classes) & SPACE:
            break
        end = at
    return end


def frozen(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A read-only view: numba compiles a kernel again for an array that may be written to."""
    view = values.view()
    view.setflags(write=False)
    return view


def as_strings(texts: TextBuffers) -> pa.Array:
    """The texts as a column of large strings, without a copy."""
    buffers = [None, pa.py_buffer(texts.offsets), pa.py_buffer(texts.data)]
    return pa.Array.from_buffers(pa.large_string(), len(texts), buffers)
