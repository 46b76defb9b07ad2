"""Pieces of text without white space, each split into words once by a tokenizer and then looked up."""

from __future__ import annotations

from typing import Any

import numpy as np

from headwater.curate.kernels.buffers import Bytes, Offsets, jit
from headwater.curate.kernels.characters import SPACE, Classes, code_point, width
from headwater.curate.kernels.tables import key, slot
from headwater.curate.kernels.words import (
    BASE,
    GAP,
    LINE_START,
    ONE,
    TRAIL,
    Flags,
    Hashes,
    wide,
)

Numbers = np.ndarray[Any, np.dtype[np.int64]]
UNKNOWN = -1


@jit
def find_chunks(
    data: Bytes,
    offsets: Offsets,
    classes: Classes,
    bounds: Offsets,
    hashes: Hashes,
    begins: Offsets,
    ends: Offsets,
    layouts: Flags,
) -> int:
    """Write the pieces of every document, their LINE_START, GAP and TRAIL; how many there are."""
    count = 0
    for document in range(len(offsets) - 1):
        bounds[document] = count
        at, end = offsets[document], offsets[document + 1]
        layout = LINE_START
        while at < end:
            spaces, first = 0, 0
            while at < end:
                point = code_point(data, at)
                if not classes[point] & SPACE:
                    break
                if point == 10:
                    if count > bounds[document] and layout == 0 and wide(spaces, first):
                        layouts[count - 1] |= TRAIL
                    layout, spaces = LINE_START, 0
                else:
                    if spaces == 0:
                        first = point
                    spaces += 1
                at += width(data[at])
            if layout == 0 and wide(spaces, first):
                layout = GAP
            if at == end:
                if count > bounds[document] and layout == GAP:
                    layouts[count - 1] |= TRAIL
                break
            begins[count], value = at, np.uint64(0)
            while at < end and not classes[code_point(data, at)] & SPACE:
                for _ in range(width(data[at])):
                    value = value * BASE + np.uint64(data[at]) + ONE
                    at += 1
            hashes[count], ends[count], layouts[count] = value, at, layout
            count += 1
            layout = 0
    bounds[len(offsets) - 1] = count
    return count


@jit
def look_up(hashes: Hashes, table: Hashes, values: Numbers, numbers: Numbers) -> int:
    """Fill `numbers` with the value of each hash, UNKNOWN for one that is not in the table; how many are."""
    unknown = 0
    for item in range(len(hashes)):
        wanted = key(hashes[item])
        place = slot(table, len(table) - 1, wanted)
        numbers[item] = values[place] if table[place] == wanted else UNKNOWN
        unknown += numbers[item] == UNKNOWN
    return unknown


@jit
def store(hashes: Hashes, begin: int, table: Hashes, values: Numbers) -> None:
    """Give the hashes, which are not in the table, the values from `begin` on."""
    for item in range(len(hashes)):
        wanted = key(hashes[item])
        place = slot(table, len(table) - 1, wanted)
        table[place] = wanted
        values[place] = begin + item


@jit
def gather(
    bounds: Offsets,
    numbers: Numbers,
    layouts: Flags,
    known: Offsets,
    hashes: Hashes,
    sizes: Any,
    lengths: Any,
    flags: Flags,
    word_bounds: Offsets,
    out_hashes: Hashes,
    out_sizes: Any,
    out_lengths: Any,
    out_flags: Flags,
) -> None:
    """Write the words of every document: those of its pieces, which begin in the arrays at `known`."""
    count = 0
    for document in range(len(bounds) - 1):
        word_bounds[document] = count
        for piece in range(bounds[document], bounds[document + 1]):
            begin, end = known[numbers[piece]], known[numbers[piece] + 1]
            for word in range(begin, end):
                layout = 0
                if word == begin:
                    layout |= layouts[piece] & (LINE_START | GAP)
                if word == end - 1:
                    layout |= layouts[piece] & TRAIL
                out_hashes[count] = hashes[word]
                out_sizes[count] = sizes[word]
                out_lengths[count] = lengths[word]
                out_flags[count] = flags[word] | layout
                count += 1
    word_bounds[len(bounds) - 1] = count
