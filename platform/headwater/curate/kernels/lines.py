"""What the published quality rules count in the lines of a text, in one pass over its bytes."""

from __future__ import annotations

import numpy as np

from headwater.curate.kernels.blocks import SPAN, SPAN_LOADED, among, copy_bytes, count_bits, first_bit
from headwater.curate.kernels.buffers import Bytes, Offsets, TextBuffers, bare_jit, inlined
from headwater.curate.kernels.characters import (
    TERMINAL,
    Classes,
    before,
    character_classes,
    class_at,
    code_point,
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

# C2 and E2 begin U+0085, U+2028 and U+2029, and other characters.
may_end_line = among((0x0A, 0x0B, 0x0C, 0x0D, 0x1C, 0x1D, 0x1E, 0xC2, 0xE2))
_dots = among((ord("."),))
_hashes = among((ord("#"),))
_newlines = among((0x0A,))
_following = among(range(0x80, 0xC0))


@inlined
def is_ellipsis(data: Bytes, begin: int, end: int) -> bool:
    """Whether `data[begin:end]` ends with three full stops or `…`."""
    if end - begin < 3:
        return False
    last, middle, first = data[end - 1], data[end - 2], data[end - 3]
    return (last == 46 and middle == 46 and first == 46) or (
        last == 0xA6 and middle == 0x80 and first == 0xE2
    )


@inlined
def judge_line(data: Bytes, begin: int, end: int, first: int, classes: Classes, row: Table) -> None:
    """Count a line of `str.splitlines`, whose first character that is no white space stands at `first`."""
    row[LINES] += 1
    if first == end:
        return
    if data[first] == 45 or (data[first] == 0xE2 and code_point(data, first) == 0x2022):
        row[BULLET_LINES] += 1
    if is_ellipsis(data, begin, trim_space(data, first, end, classes)):
        row[ELLIPSIS_LINES] += 1


@inlined
def judge_filled(
    data: Bytes,
    begin: int,
    end: int,
    characters: int,
    is_blank: bool,
    short: int,
    classes: Classes,
    seen: Hashes,
    mask: int,
    row: Table,
) -> None:
    """Count what stands between two newlines and is not empty."""
    new = add(seen, mask, hash_bytes(data, begin, end))
    row[SPLIT_LINES] += 1
    if not new:
        row[DUPLICATE_LINES] += 1
        row[DUPLICATE_LINE_CHARACTERS] += characters
    if not is_blank:
        row[FILLED_LINES] += 1
        row[TERMINAL_LINES] += 1 if class_at(data, before(data, end), classes) & TERMINAL else 0
        row[SHORT_LINES] += 1 if characters <= short else 0
        if not new:
            row[DUPLICATE_FILLED_CHARACTERS] += characters


@bare_jit
def fill_newlines(data: Bytes, offsets: Offsets, tail: Bytes, found: Offsets) -> None:
    """Fill `found` with the newlines in each document. `tail` is scratch of SPAN_LOADED bytes."""
    for document in range(len(offsets) - 1):
        end, newlines = offsets[document + 1], 0
        for at in range(offsets[document], end, SPAN):
            if at + SPAN_LOADED <= len(data):
                bits = _newlines(data, at)
            else:
                copy_bytes(data, at, tail, 0, min(end, len(data)) - at)
                bits = _newlines(tail, 0)
            newlines += count_bits(bits & ((1 << min(end - at, SPAN)) - 1))
        found[document] = newlines


def count_newlines(texts: TextBuffers) -> Offsets:
    """Newlines in each document."""
    found = np.empty(len(texts), dtype=np.int64)
    fill_newlines(frozen(texts.data), frozen(texts.offsets), np.empty(SPAN_LOADED, dtype=np.uint8), found)
    return found


@inlined
def line_bits(data: Bytes, at: int, inside: int) -> tuple[int, int, int]:
    """Bits of the bytes from `at` on: what needs a look, `#`, and first bytes of characters.

    What needs a look is what may end a line, or begins `…` (with E2), and where more than one full stop
    begins, perhaps with the next block.
    """
    dots = _dots(data, at) & inside
    pairs = dots & ~(dots << 1) & (dots >> 1 | 1 << (SPAN - 1))
    looks = (may_end_line(data, at) & inside) | pairs
    return looks, _hashes(data, at) & inside, ~_following(data, at) & inside


@bare_jit
def count_lines(
    data: Bytes,
    offsets: Offsets,
    short: int,
    classes: Classes,
    tail: Bytes,
    seen: Hashes,
    table: Table,
) -> None:
    """Fill `table`, whose NEWLINES are counted, with the other LINE_COUNTS.

    `seen` is scratch for twice the lines that a document may have, `tail` of SPAN_LOADED bytes.
    """
    for document in range(len(offsets) - 1):
        begin, end = offsets[document], offsets[document + 1]
        row = table[document]
        mask = capacity(row[NEWLINES] + 1) - 1
        seen[: mask + 1] = 0
        line, split, at = begin, begin, begin
        # Characters before the block, and before what the last newline ended.
        characters, known = 0, 0
        while at < end:
            inside = (1 << min(end - at, SPAN)) - 1
            if at + SPAN_LOADED <= len(data):
                looks, hashes, firsts = line_bits(data, at, inside)
            else:
                copy_bytes(data, at, tail, 0, end - at)
                looks, hashes, firsts = line_bits(tail, 0, inside)
            row[HASHES] += count_bits(hashes)
            after = at + min(end - at, SPAN)
            while looks:
                place = first_bit(looks)
                looks &= looks - 1
                found = at + place
                byte = data[found]
                if byte == 10:
                    passed = characters + count_bits(firsts & ((1 << place) - 1))
                    first = skip_space(data, split, found, classes)
                    if split < found:
                        judge_filled(
                            data,
                            split,
                            found,
                            passed - known,
                            first == found,
                            short,
                            classes,
                            seen,
                            mask,
                            row,
                        )
                    # After a carriage return the newline ends no further line.
                    if not (line == found and found > begin and data[found - 1] == 13):
                        if line != split:
                            first = skip_space(data, line, found, classes)
                        judge_line(data, line, found, first, classes, row)
                    line = split = found + 1
                    known = passed + 1
                elif byte == 46:
                    stop = found
                    while stop < end and data[stop] == 46:
                        stop += 1
                    row[ELLIPSES] += (stop - found) // 3
                    characters += max(0, stop - after)
                    after = max(after, stop)
                elif byte < 0x80:
                    judge_line(data, line, found, skip_space(data, line, found, classes), classes, row)
                    line = found + 1
                else:
                    point = code_point(data, found)
                    if point == 0x2026:
                        row[ELLIPSES] += 1
                    elif point == 0x85 or point == 0x2028 or point == 0x2029:
                        judge_line(data, line, found, skip_space(data, line, found, classes), classes, row)
                        line = found + (2 if byte == 0xC2 else 3)
            characters += count_bits(firsts)
            at = after
        if line < end:
            judge_line(data, line, end, skip_space(data, line, end, classes), classes, row)
        if split < end:
            is_blank = skip_space(data, split, end, classes) == end
            judge_filled(data, split, end, characters - known, is_blank, short, classes, seen, mask, row)
        row[CHARACTERS] = characters
        # What a run of newlines at either end separates from nothing is one empty line each.
        edges = (data[begin] == 10) + (data[end - 1] == 10) if end > begin else 1
        row[SPLIT_LINES] += edges
        row[DUPLICATE_LINES] += 1 if edges == 2 else 0


def line_counters(texts: TextBuffers, short: int) -> Counters:
    """LINE_COUNTS of every document; a filled line of at most `short` characters is short."""
    table = np.zeros((len(texts), len(LINE_COUNTS)), dtype=np.int64)
    table[:, NEWLINES] = count_newlines(texts)
    most = int(np.max(table[:, NEWLINES], initial=0)) + 1
    count_lines(
        frozen(texts.data),
        frozen(texts.offsets),
        short,
        character_classes(),
        np.empty(SPAN_LOADED, dtype=np.uint8),
        np.empty(table_size(most), dtype=np.uint64),
        table,
    )
    return Counters(LINE_COUNTS, table)


def warm() -> None:
    """Compile."""
    line_counters(TextBuffers(np.frombuffer(b"a b", dtype=np.uint8), np.array([0, 3])), 30)
