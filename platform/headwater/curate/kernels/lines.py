"""What the published quality rules count in the lines of a text, in one pass over its bytes."""

from __future__ import annotations

import numpy as np

from headwater.curate.kernels.blocks import BLOCK, first_bit, notable_bits
from headwater.curate.kernels.buffers import Bytes, Offsets, TextBuffers, bare_jit, inlined, jit
from headwater.curate.kernels.characters import (
    TERMINAL,
    Classes,
    before,
    character_classes,
    class_at,
    code_point,
    count_characters,
    frozen,
    skip_space,
    trim_space,
)
from headwater.curate.kernels.counters import Counters, Table
from headwater.curate.kernels.tables import add, capacity, table_size
from headwater.curate.kernels.words import Hashes, hash_bytes

LINE_COUNTS = (
    "characters",
    "newlines",
    "hashes",
    "ellipses",
    "lines",
    "bullet_lines",
    "ellipsis_lines",
    "filled_lines",
    "terminal_lines",
    "short_lines",
    "duplicate_filled_characters",
    "split_lines",
    "duplicate_lines",
    "duplicate_line_characters",
)
"""Columns of `count_lines`.

`lines` are those of `str.splitlines`, `filled_lines` what `\\n` separates and is not blank, `split_lines`
what runs of `\\n` separate. A duplicate is a line that stood before in the document.
"""
(
    CHARACTERS,
    NEWLINES,
    HASHES,
    ELLIPSES,
    LINES,
    BULLET_LINES,
    ELLIPSIS_LINES,
    FILLED_LINES,
    TERMINAL_LINES,
    SHORT_LINES,
    DUPLICATE_FILLED_CHARACTERS,
    SPLIT_LINES,
    DUPLICATE_LINES,
    DUPLICATE_LINE_CHARACTERS,
) = range(len(LINE_COUNTS))

_NOTABLE = np.zeros(256, dtype=np.uint8)
# Line breaks of `str.splitlines`, # and full stops; C2 and E2 begin U+0085, U+2026, U+2028 and U+2029.
_NOTABLE[[0x0A, 0x0B, 0x0C, 0x0D, 0x1C, 0x1D, 0x1E, 0x23, 0x2E, 0xC2, 0xE2]] = 1


@inlined
def is_ellipsis(data: Bytes, begin: int, end: int) -> bool:
    """Whether `data[begin:end]` ends with three full stops or `…`."""
    if end - begin < 3:
        return False
    last, middle, first = data[end - 1], data[end - 2], data[end - 3]
    return (last == 46 and middle == 46 and first == 46) or (
        last == 0xA6 and middle == 0x80 and first == 0xE2
    )


@bare_jit
def judge_line(data: Bytes, begin: int, end: int, classes: Classes, row: Table) -> None:
    """Count a line of `str.splitlines`."""
    row[LINES] += 1
    first = skip_space(data, begin, end, classes)
    if first == end:
        return
    if data[first] == 45 or code_point(data, first) == 0x2022:
        row[BULLET_LINES] += 1
    if is_ellipsis(data, begin, trim_space(data, begin, end, classes)):
        row[ELLIPSIS_LINES] += 1


@bare_jit
def judge_filled(
    data: Bytes,
    begin: int,
    end: int,
    narrow: bool,
    short: int,
    classes: Classes,
    seen: Hashes,
    mask: int,
    row: Table,
) -> None:
    """Count what stands between two newlines and is not empty. `narrow` texts are ASCII."""
    characters = end - begin if narrow else count_characters(data, begin, end)
    new = add(seen, mask, hash_bytes(data, begin, end))
    row[CHARACTERS] += characters
    row[SPLIT_LINES] += 1
    if not new:
        row[DUPLICATE_LINES] += 1
        row[DUPLICATE_LINE_CHARACTERS] += characters
    if skip_space(data, begin, end, classes) < end:
        row[FILLED_LINES] += 1
        row[TERMINAL_LINES] += 1 if class_at(data, before(data, end), classes) & TERMINAL else 0
        row[SHORT_LINES] += 1 if characters <= short else 0
        if not new:
            row[DUPLICATE_FILLED_CHARACTERS] += characters


@jit
def count_newlines(data: Bytes, offsets: Offsets) -> Offsets:
    """Newlines in each document."""
    found = np.zeros(len(offsets) - 1, dtype=np.int64)
    for document in range(len(offsets) - 1):
        newlines = 0
        for at in range(offsets[document], offsets[document + 1]):
            newlines += data[at] == 10
        found[document] = newlines
    return found


@bare_jit
def count_lines(
    data: Bytes,
    offsets: Offsets,
    short: int,
    classes: Classes,
    notable: Bytes,
    seen: Hashes,
    table: Table,
) -> None:
    """Fill `table`, whose NEWLINES are counted, with the other LINE_COUNTS. `notable` bytes need a look.

    `seen` is scratch for twice the lines that a document may have.
    """
    for document in range(len(offsets) - 1):
        begin, end = offsets[document], offsets[document + 1]
        row = table[document]
        newlines = row[NEWLINES]
        narrow = count_characters(data, begin, end) == end - begin
        mask = capacity(newlines + 1) - 1
        seen[: mask + 1] = 0
        line, split, at = begin, begin, begin
        while at < end:
            if at + BLOCK <= len(data):
                found = first_bit(notable_bits(data, at))
                at = min(at + min(found, BLOCK), end)
                if found >= BLOCK or at == end:
                    continue
            elif not notable[data[at]]:
                at += 1
                continue
            byte = data[at]
            if byte == 10:
                if split < at:
                    judge_filled(data, split, at, narrow, short, classes, seen, mask, row)
                # After a carriage return the newline ends no further line.
                if not (line == at and at > begin and data[at - 1] == 13):
                    judge_line(data, line, at, classes, row)
                at += 1
                line = split = at
            elif byte == 35:
                row[HASHES] += 1
                at += 1
            elif byte == 46:
                first = at
                while at < end and data[at] == 46:
                    at += 1
                row[ELLIPSES] += (at - first) // 3
            elif byte < 0x80:
                judge_line(data, line, at, classes, row)
                at += 1
                line = at
            else:
                point = code_point(data, at)
                size = 2 if byte == 0xC2 else 3
                if point == 0x2026:
                    row[ELLIPSES] += 1
                elif point == 0x85 or point == 0x2028 or point == 0x2029:
                    judge_line(data, line, at, classes, row)
                    line = at + size
                at += size
        if line < end:
            judge_line(data, line, end, classes, row)
        if split < end:
            judge_filled(data, split, end, narrow, short, classes, seen, mask, row)
        row[CHARACTERS] += newlines
        # What a run of newlines at either end separates from nothing is one empty line each.
        edges = (data[begin] == 10) + (data[end - 1] == 10) if end > begin else 1
        row[SPLIT_LINES] += edges
        row[DUPLICATE_LINES] += 1 if edges == 2 else 0


def line_counters(texts: TextBuffers, short: int) -> Counters:
    """LINE_COUNTS of every document; a filled line of at most `short` characters is short."""
    data, offsets = frozen(texts.data), frozen(texts.offsets)
    table = np.zeros((len(texts), len(LINE_COUNTS)), dtype=np.int64)
    table[:, NEWLINES] = count_newlines(data, offsets)
    most = int(np.max(table[:, NEWLINES], initial=0)) + 1
    count_lines(
        data,
        offsets,
        short,
        character_classes(),
        _NOTABLE,
        np.empty(table_size(most), dtype=np.uint64),
        table,
    )
    return Counters(LINE_COUNTS, table)


def warm() -> None:
    """Compile."""
    line_counters(TextBuffers(np.frombuffer(b"a b", dtype=np.uint8), np.array([0, 3])), 30)
