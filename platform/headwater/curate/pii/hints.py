"""What the kernel needs to know of the patterns, as tables that it looks bytes up in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from itertools import groupby, product
from typing import Any

import numpy as np

from headwater.curate.pii.findings import Kind
from headwater.curate.pii.identifiers import LETTERED, NUMERIC
from headwater.curate.pii.numbers import CARD_GROUPS, CARD_WORDS
from headwater.curate.pii.phones import COMPOUNDS, NORTH_AMERICAN_GROUPS, WORDS
from headwater.curate.pii.secrets import PREFIXES

Table = np.ndarray[Any, np.dtype[np.uint8]]

WORD_BITS = 20
"""Of the table of words: a million entries for some thousands in use, so that few others hit by chance."""
GROUP_BITS = 16
_MULTIPLIER = 0x9E3779B1  # 2^32 over the golden ratio: Knuth's multiplicative hashing


@cache
def prefix_table() -> Table:
    """65,536 entries, one for each two bytes that a token's prefix begins with."""
    table = np.zeros(1 << 16, dtype=np.uint8)
    for prefix in PREFIXES:
        first, second = prefix.encode()
        table[first * 256 + second] = 1
    return _frozen(table)


@cache
def word_table(kinds: frozenset[Kind]) -> Table:
    """One entry for the first four bytes, or three and any, of each word that announces a number."""
    table = np.zeros(1 << WORD_BITS, dtype=np.uint8)
    for word in _words(kinds):
        for written in _cases(word):
            beginning = written.encode()[:4]
            lowered = [byte | 32 if 65 <= byte <= 90 else byte for byte in beginning]
            first, second, third, *fourth = lowered
            for last in fourth or range(256):
                table[word_slot(first, second, third, last)] = 1
    return _frozen(table)


@cache
def group_table(kinds: frozenset[Kind]) -> Table:
    """One entry for each sequence of group lengths that tells what a number is."""
    table = np.zeros(1 << GROUP_BITS, dtype=np.uint8)
    for lengths in _groups(kinds):
        key = 0
        for length in lengths:
            key = key * 32 + length
        table[group_slot(key)] = 1
    return _frozen(table)


def word_slot(first: int, second: int, third: int, fourth: int) -> int:
    """Entry of four bytes, ASCII capitals lowered."""
    key = first | second << 8 | third << 16 | fourth << 24
    return (key * _MULTIPLIER & 0xFFFFFFFF) >> (32 - WORD_BITS)


def group_slot(key: int) -> int:
    """Entry of a sequence of lengths, five bits each."""
    folded = (key ^ key >> 20) & 0xFFFFFFFF
    return (folded * _MULTIPLIER & 0xFFFFFFFF) >> (32 - GROUP_BITS)


def _words(kinds: frozenset[Kind]) -> Iterator[str]:
    if "phone" in kinds:
        yield from (*WORDS, *COMPOUNDS)
    if "card" in kinds:
        yield from CARD_WORDS
    if "national_id" in kinds:
        for scheme in (*NUMERIC, *LETTERED):
            yield from scheme.words


def _groups(kinds: frozenset[Kind]) -> Iterator[tuple[int, ...]]:
    if "phone" in kinds:
        yield from NORTH_AMERICAN_GROUPS
    if "card" in kinds:
        yield from CARD_GROUPS
    if "national_id" in kinds:
        for scheme in NUMERIC:
            yield from (_lengths(form) for form in scheme.free)


def _lengths(form: str) -> tuple[int, ...]:
    return tuple(len(list(run)) for is_digit, run in groupby(form, "d".__eq__) if is_digit)


def _cases(word: str) -> Iterable[str]:
    """The word with each of its first letters small or capital."""
    options = [sorted({letter, letter.upper()}) for letter in word[:4]]
    return ("".join(letters) for letters in product(*options))


def _frozen(table: Table) -> Table:
    table.setflags(write=False)
    return table
