"""What the kernels must know of each Unicode code point, as arrays indexed by it."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from headwater.curate.kernels.buffers import Bytes

Form = Literal["NFC", "NFKC"]
Sequences = np.ndarray[Any, np.dtype[np.uint64]]

TABLE_END = 0x30000
"""Code points from here on are unassigned, private, or tags that no normalization form changes."""
SEQUENCES_END = 0x2600

PLAIN, INVISIBLE, SPACE, LINE_END, UNSETTLED = range(5)
LETTER, UPPER, LOWER = 1, 2, 4

# Control characters but tab and newline, soft hyphen, zero-width characters, marks of direction, byte order
# mark, noncharacters. The joiners U+200C and U+200D stay: Indic and Persian words and emoji need them.
_INVISIBLE = (
    *((0x00, 0x08), (0x0B, 0x0C), (0x0E, 0x1F), (0x7F, 0x84), (0x86, 0x9F), (0xAD, 0xAD), (0x200B, 0x200B)),
    *((0x200E, 0x200F), (0x202A, 0x202E), (0x2060, 0x2064), (0x2066, 0x2069), (0xFEFF, 0xFEFF)),
    *((0xFFF9, 0xFFFB), (0xFFFE, 0xFFFF)),
)
_SPACES = (
    (0xA0, 0xA0),
    (0x1680, 0x1680),
    (0x2000, 0x200A),
    (0x202F, 0x202F),
    (0x205F, 0x205F),
    (0x3000, 0x3000),
)
_LINE_ENDS = ((0x0D, 0x0D), (0x85, 0x85), (0x2028, 0x2029))
_HANGUL_VOWELS_AND_FINALS = (0x1161, 0x11FF)

_ALL_LEADS = range(0xC2, 0xF5)
# As in ftfy, which repairs them. Where a first byte is a quotation mark, a dash or a line of a table, real
# text has sequences of it, so only those bytes count that begin Latin letters and punctuation.
_STRICT_ENCODINGS: dict[str, Collection[int]] = {
    "latin-1": _ALL_LEADS,
    "cp1252": _ALL_LEADS,
    "cp1250": _ALL_LEADS,
    "cp1254": _ALL_LEADS,
    "cp1257": _ALL_LEADS,
    "iso-8859-2": _ALL_LEADS,
    "mac-roman": (0xC2, 0xC3, 0xC4, 0xC5, 0xE2),
    "cp437": (0xC2, 0xC3, 0xE2),
}
# Nearly all letters of these alphabets are first bytes, and some continuation bytes.
_LOOSE_ENCODINGS: dict[str, Collection[int]] = {
    "cp1251": range(0xC2, 0xE3),
    "cp1253": range(0xC2, 0xE3),
}
STRICT = (1 << len(_STRICT_ENCODINGS)) - 1
"""Bits of the encodings of which one sequence is a sign of mojibake; the others need two in a row."""


@cache
def normalization_kinds(form: Form) -> Bytes:
    """One of PLAIN, INVISIBLE, SPACE, LINE_END, UNSETTLED for each code point below `TABLE_END`.

    A text without unsettled ones is in the form: they are those that the form changes, that may combine with
    one before them, or whose order matters (UAX 15, "Detecting Normalization Forms").
    """
    kinds = np.full(TABLE_END, PLAIN, dtype=np.uint8)
    for point in range(0x80, TABLE_END):
        character = chr(point)
        if unicodedata.combining(character) or not unicodedata.is_normalized(form, character):
            kinds[point] = UNSETTLED
        parts = unicodedata.decomposition(character)
        if parts and not parts.startswith("<") and " " in parts:
            kinds[int(parts.split()[1], 16)] = UNSETTLED
    kinds[slice(_HANGUL_VOWELS_AND_FINALS[0], _HANGUL_VOWELS_AND_FINALS[1] + 1)] = UNSETTLED
    for kind, ranges in ((INVISIBLE, _INVISIBLE), (SPACE, _SPACES), (LINE_END, _LINE_ENDS)):
        for first, last in ranges:
            kinds[first : last + 1] = kind
    return kinds


@cache
def letter_kinds() -> Bytes:
    """Bits LETTER, UPPER (title case as well), LOWER for each code point below `TABLE_END`."""
    points = np.arange(TABLE_END, dtype=np.uint32).view("U1")
    upper = np.strings.isupper(points) | np.strings.istitle(points)
    kinds = LETTER * np.strings.isalpha(points) + UPPER * upper + LOWER * np.strings.islower(points)
    return kinds.astype(np.uint8)


@cache
def mojibake_sequences() -> Sequences:
    """For code points below `SEQUENCES_END`: which bytes of UTF-8 they are, misread in which encoding.

    Four fields of 16 bits, one bit for each encoding: continuation byte, first byte of a sequence of two, of
    three, of four.
    """
    found = np.zeros(SEQUENCES_END, dtype=np.uint64)
    for bit, (encoding, leads) in enumerate((_STRICT_ENCODINGS | _LOOSE_ENCODINGS).items()):
        for byte in (*range(0x80, 0xC0), *leads):
            point = _misread(byte, encoding)
            if point < SEQUENCES_END:
                field = 0 if byte < 0xC0 else 1 if byte < 0xE0 else 2 if byte < 0xF0 else 3
                found[point] |= np.uint64(1 << (16 * field + bit))
    return found


def _misread(byte: int, encoding: str) -> int:
    try:
        return ord(bytes([byte]).decode(encoding))
    except UnicodeDecodeError:
        return byte
