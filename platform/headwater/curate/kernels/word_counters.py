"""What the published quality rules count in the words of a text."""

from __future__ import annotations

import numpy as np

from headwater.curate.kernels.buffers import Offsets, TextBuffers, bare_jit
from headwater.curate.kernels.characters import frozen
from headwater.curate.kernels.counters import Counters, Table
from headwater.curate.kernels.words import (
    ALPHABETIC,
    MEANS,
    ONE,
    Counts,
    Flags,
    Hashes,
    Words,
    hash_words,
    split,
)

WORD_COUNTS = ("words", "meaning_words", "meaning_characters", "alphabetic_words")
"""Columns of `count_words`: all words; those that mean something, their characters; those with a letter."""

NONE = np.uint64(0)
LISTED_BITS = 10
"""Of a hash, to look words up by: two tables of 8 KB. More if two of the listed words would share a place."""


@bare_jit
def count_words(offsets: Offsets, lengths: Counts, flags: Flags, table: Table) -> None:
    """Fill `table` with WORD_COUNTS."""
    for document in range(len(offsets) - 1):
        meaning = characters = alphabetic = 0
        for word in range(offsets[document], offsets[document + 1]):
            means = 1 if flags[word] & MEANS else 0
            meaning += means
            characters += lengths[word] * means
            alphabetic += 1 if flags[word] & ALPHABETIC else 0
        table[document, 0] = offsets[document + 1] - offsets[document]
        table[document, 1] = meaning
        table[document, 2] = characters
        table[document, 3] = alphabetic


@bare_jit
def count_listed(
    offsets: Offsets, hashes: Hashes, table: Hashes, shift: np.uint64, marks: Hashes, found: Offsets
) -> None:
    """How many distinct words of a table of hashes each document has; `marks` holds a bit for each of them.

    A word stands in the table where the bits of its hash above `shift` say.
    """
    for document in range(len(offsets) - 1):
        seen = NONE
        for word in range(offsets[document], offsets[document + 1]):
            place = hashes[word] >> shift
            seen |= marks[place] if table[place] == hashes[word] else NONE
        count = 0
        while seen:
            seen &= seen - ONE
            count += 1
        found[document] = count


def word_counters(words: Words) -> Counters:
    """WORD_COUNTS of every document."""
    table = np.empty((len(words), len(WORD_COUNTS)), dtype=np.int64)
    count_words(frozen(words.offsets), words.lengths, words.flags, table)
    return Counters(WORD_COUNTS, table)


def listed_counter(words: Words, listed: tuple[str, ...]) -> Offsets:
    """How many distinct words of `listed`, at most 64, stand in each document; letter case counts."""
    hashes = hash_words(sorted(set(listed)))
    bits = LISTED_BITS
    while len(np.unique(hashes >> np.uint64(64 - bits))) < len(hashes):
        bits += 1
    places = hashes >> np.uint64(64 - bits)
    table, marks = np.zeros((2, 1 << bits), dtype=np.uint64)
    table[places], marks[places] = hashes, ONE << np.arange(len(hashes), dtype=np.uint64)
    found = np.zeros(len(words), dtype=np.int64)
    count_listed(frozen(words.offsets), words.hashes, table, np.uint64(64 - bits), marks, found)
    return found


def warm() -> None:
    """Compile."""
    texts = TextBuffers(np.frombuffer(b"a b", dtype=np.uint8), np.array([0, 3]))
    words = split(texts)
    word_counters(words)
    listed_counter(words, ("a",))
