"""What counts as a word for comparing texts, as a table of code points."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import cache

import numpy as np

from headwater.curate.kernels.shingles import ALONE, Letters

# Han, kana and the alphabets of mainland South-East Asia, which put no spaces between words.
UNSPACED = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x3040, 0x30FF),
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)
_SURROGATES = range(0xD800, 0xE000)
# Unicode has no letter case beyond its first supplementary plane.
_CASED = 0x20000
_STRETCH = 64
_RUN = re.compile(r"\w+")


@cache
def letters() -> Letters:
    """For each code point its lower-case form, 0 where it is part of no word.

    Words are runs of letters, digits and `_`; where no spaces are written, each character is one (marked
    `ALONE`). Letter case is folded character by character: what folds to several, such as ß, stays as it is.
    """
    table = np.zeros(sys.maxunicode + 1, dtype=np.uint32)
    for begin, end in ((0, _SURROGATES.start), (_SURROGATES.stop, sys.maxunicode + 1)):
        for found in _RUN.finditer(_characters(begin, end)):
            span = slice(begin + found.start(), begin + found.end())
            table[span] = np.arange(span.start, span.stop, dtype=np.uint32)
        for point in _changed_by_folding(begin, min(end, _CASED)):
            if table[point]:
                table[point] = ord(_folded(chr(point)))
    for first, last in UNSPACED:
        table[first : last + 1] = np.arange(first, last + 1, dtype=np.uint32) | ALONE
    table = table[: int(np.flatnonzero(table)[-1]) + 1].copy()
    table.setflags(write=False)
    return table


def _characters(begin: int, end: int) -> str:
    return np.arange(begin, end, dtype="<u4").tobytes().decode("utf-32-le")


def _changed_by_folding(begin: int, end: int) -> Iterator[int]:
    """The characters that have another form in lower case; most stretches have none."""
    for first in range(begin, end, _STRETCH):
        stretch = _characters(first, min(end, first + _STRETCH))
        if stretch.casefold() != stretch:
            yield from (ord(one) for one in stretch if _folded(one) != one)


def _folded(character: str) -> str:
    folded = character.casefold()
    return folded if len(folded) == 1 else character.lower()[0]
