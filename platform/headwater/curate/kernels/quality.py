"""What the step `quality` counts."""

from __future__ import annotations

import numpy as np

from headwater.curate.kernels.buffers import Bytes, Offsets, TextBuffers, bare_jit, inlined
from headwater.curate.kernels.characters import (
    ALPHA,
    LETTER,
    UNSPACED,
    WORD,
    Classes,
    Int,
    character_classes,
    code_point,
    count_characters,
    frozen,
    skip_space,
    trim_space,
    width,
)
from headwater.curate.kernels.counters import Counters, Table
from headwater.curate.kernels.lines import count_newlines, is_ellipsis
from headwater.curate.kernels.tables import add, capacity, table_size
from headwater.curate.kernels.words import Hashes, hash_bytes
from headwater.curate.words import LONGEST_WORD

QUALITY_COUNTS = (
    "words",
    "prose_words",
    "prose_characters",
    "alphabetic_words",
    "symbols",
    "lines",
    "line_characters",
    "distinct_line_characters",
    "bullets",
    "ellipses",
    "paragraph_characters",
    "distinct_paragraph_characters",
)
"""Columns of `quality_counters`.

Words and prose words are those of `headwater.curate.words`; lines and paragraphs are trimmed and not blank,
paragraphs what blank lines without a space separate.
"""
(
    WORDS,
    PROSE_WORDS,
    PROSE_CHARACTERS,
    ALPHABETIC_WORDS,
    SYMBOLS,
    LINES,
    LINE_CHARACTERS,
    DISTINCT_LINE_CHARACTERS,
    BULLETS,
    ELLIPSES,
    PARAGRAPH_CHARACTERS,
    DISTINCT_PARAGRAPH_CHARACTERS,
) = range(len(QUALITY_COUNTS))


@inlined
def end_word(length: int, common: Int, some: Int, row: Table) -> None:
    """Count a word of `length` characters with these bits in all and in some of them."""
    row[WORDS] += 1
    row[ALPHABETIC_WORDS] += 1 if some & LETTER else 0
    if common & ALPHA and length <= LONGEST_WORD:
        row[PROSE_WORDS] += 1
        row[PROSE_CHARACTERS] += length


@bare_jit
def count_words(data: Bytes, begin: int, end: int, classes: Classes, row: Table) -> None:
    """Count words and symbols."""
    length, common, some, at = 0, -1, 0, begin
    while at < end:
        byte = data[at]
        point = code_point(data, at)
        kind = np.int64(classes[point])
        at += width(byte)
        if kind & WORD and not kind & UNSPACED:
            length += 1
            common &= kind
            some |= kind
            continue
        if length:
            end_word(length, common, some, row)
            length, common, some = 0, -1, 0
        if kind & UNSPACED:
            row[WORDS] += 1
            row[ALPHABETIC_WORDS] += 1 if kind & LETTER else 0
        elif byte == 35 or point == 0x2026:
            row[SYMBOLS] += 1
        elif byte == 46:
            first = at - 1
            while at < end and data[at] == 46:
                at += 1
            row[SYMBOLS] += (at - first) // 3
    if length:
        end_word(length, common, some, row)


@bare_jit
def count_pieces(
    data: Bytes,
    begin: int,
    end: int,
    breaks: int,
    classes: Classes,
    seen: Hashes,
    mask: int,
    row: Table,
    column: int,
) -> None:
    """Count characters of what `breaks` newlines separate: in `column` of all, in the next of distinct ones.

    Of lines (`breaks` is 1) count their number, bullets and ellipses as well.
    """
    seen[: mask + 1] = 0
    piece = begin
    while piece < end:
        stop = piece
        while stop < end and not (
            data[stop] == 10 and (breaks == 1 or (stop + 1 < end and data[stop + 1] == 10))
        ):
            stop += 1
        low = skip_space(data, piece, stop, classes)
        high = trim_space(data, low, stop, classes)
        piece = stop + breaks
        if low == high:
            continue
        characters = count_characters(data, low, high)
        row[column] += characters
        if add(seen, mask, hash_bytes(data, low, high)):
            row[column + 1] += characters
        if breaks == 1:
            row[LINES] += 1
            row[ELLIPSES] += 1 if is_ellipsis(data, low, high) else 0
            mark = code_point(data, low)
            after = low + width(data[low])
            if after < high and data[after] == 32 and mark in (0x2D, 0x2A, 0x2022, 0x2023, 0x2B):
                row[BULLETS] += 1


@bare_jit
def count_quality(
    data: Bytes, offsets: Offsets, classes: Classes, newlines: Offsets, seen: Hashes, table: Table
) -> None:
    """Fill `table` with QUALITY_COUNTS; `seen` is scratch for twice the lines of any document."""
    for document in range(len(offsets) - 1):
        begin, end, row = offsets[document], offsets[document + 1], table[document]
        mask = capacity(newlines[document] + 1) - 1
        count_words(data, begin, end, classes, row)
        count_pieces(data, begin, end, 1, classes, seen, mask, row, LINE_CHARACTERS)
        count_pieces(data, begin, end, 2, classes, seen, mask, row, PARAGRAPH_CHARACTERS)


def quality_counters(texts: TextBuffers) -> Counters:
    """QUALITY_COUNTS of every document."""
    data, offsets = frozen(texts.data), frozen(texts.offsets)
    newlines = count_newlines(texts)
    seen = np.empty(table_size(int(np.max(newlines, initial=0)) + 1), dtype=np.uint64)
    table = np.zeros((len(texts), len(QUALITY_COUNTS)), dtype=np.int64)
    count_quality(data, offsets, character_classes(), newlines, seen, table)
    return Counters(QUALITY_COUNTS, table)


def warm() -> None:
    """Compile."""
    quality_counters(TextBuffers(np.frombuffer(b"a b", dtype=np.uint8), np.array([0, 3])))
