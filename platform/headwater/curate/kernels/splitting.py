"""Where a piece of text without white space falls into words: the marks at its ends and inside."""

from __future__ import annotations

import numpy as np

from headwater.curate.kernels.buffers import Bytes, Offsets, bare_jit, inlined
from headwater.curate.kernels.characters import (
    ALPHA,
    DIGIT,
    ICON,
    INNER,
    LOWER,
    PREFIX,
    QUOTE,
    SUFFIX,
    UPPER,
    Classes,
    Int,
    before,
    class_at,
    code_point,
    width,
)

LONGEST_INITIALS = 16
"""In bytes. A bound keeps the work linear where marks follow without end."""


@inlined
def is_apostrophe(data: Bytes, at: int) -> bool:
    """Whether ' or ’ stands there."""
    return code_point(data, at) in (0x27, 0x2019)


@inlined
def dots(data: Bytes, begin: int, end: int) -> int:
    """Where the run of full stops that begins at `begin` ends."""
    at = begin
    while at < end and data[at] == 46:
        at += 1
    return at


@inlined
def prefix_end(data: Bytes, begin: int, end: int, classes: Classes) -> int:
    """Where the mark ends that splits off the beginning of a word; `begin` when there is none."""
    if data[begin] == 46:
        stop = dots(data, begin, end)
        return stop if stop - begin > 1 else begin
    after = begin + width(data[begin])
    if data[begin] == 43:
        return begin if after < end and class_at(data, after, classes) & DIGIT else after
    return after if class_at(data, begin, classes) & (PREFIX | ICON) else begin


@inlined
def suffix_begin(data: Bytes, begin: int, end: int, classes: Classes) -> int:
    """Where the mark begins that splits off the end of a word; `end` when there is none."""
    last = before(data, end)
    kind = class_at(data, last, classes)
    if kind & (SUFFIX | ICON):
        return last
    if data[last] == 46:
        first = last
        while first > begin and data[first - 1] == 46:
            first -= 1
        if last - first > 0:
            return first
        if last == begin:
            return end
        previous = before(data, last)
        kind = class_at(data, previous, classes)
        if kind & (LOWER | DIGIT | QUOTE | PREFIX) or data[previous] == 45:
            return last
        if kind & UPPER and previous > begin and class_at(data, before(data, previous), classes) & UPPER:
            return last
        return end
    if last == begin:
        return end
    previous = before(data, last)
    if data[last] == 43 and class_at(data, previous, classes) & DIGIT:
        return last
    is_genitive = data[last] | 32 == 115 and previous > begin and is_apostrophe(data, previous)
    return previous if is_genitive else end


@bare_jit
def are_initials(data: Bytes, begin: int, end: int, classes: Classes) -> bool:
    """Whether single letters each with a full stop stand there, such as `e.g.`."""
    at, letters = begin, 0
    if end - begin > LONGEST_INITIALS:
        return False
    while at < end:
        if not class_at(data, at, classes) & ALPHA:
            return False
        at += width(data[at])
        if at >= end or data[at] != 46:
            return False
        at += 1
        letters += 1
    return letters > 1


@bare_jit
def is_address(data: Bytes, begin: int, end: int) -> bool:
    """Whether a URL stands there: a scheme, or a host of labels whose last is of small letters."""
    label, labels = begin, 0
    at = begin
    while at < end:
        byte = data[at]
        if byte == 58 and at + 2 < end and data[at + 1] == 47 and data[at + 2] == 47:
            return at > begin
        if byte == 47 or byte == 63 or byte == 35 or byte == 58:
            break
        if byte == 46:
            if at == label:
                return False
            label, labels = at + 1, labels + 1
        elif not (
            48 <= byte <= 57
            or 97 <= byte <= 122
            or 65 <= byte <= 90
            or byte == 45
            or byte == 95
            or byte >= 0x80
        ):
            return False
        at += 1
    if labels == 0 or at - label < 2:
        return False
    small = True
    for place in range(label, at):
        small = small and 97 <= data[place] <= 122
    return small


@bare_jit
def infix_end(data: Bytes, begin: int, at: int, end: int, classes: Classes) -> int:
    """Where the mark at `at` ends that splits the word `data[begin:end]`; `at` when none stands there."""
    byte = data[at]
    if byte >= 0x80:
        point = code_point(data, at)
        if point == 0x2026 or np.int64(classes[point]) & ICON:
            return at + width(byte)
        if point != 0x2013 and point != 0x2014:
            return at
    elif byte == 46:
        stop = dots(data, at, end)
        if stop - at > 1:
            return stop
    stop = at + width(byte)
    if byte == 45:
        while stop < end and data[stop] == 45 and stop - at < 3:
            stop += 1
    if at == begin or stop >= end:
        return at
    left = class_at(data, before(data, at), classes)
    right = class_at(data, stop, classes)
    if byte == 46:
        splits = left & (LOWER | QUOTE) and right & (UPPER | QUOTE)
    elif byte == 44:
        splits = left & ALPHA and right & ALPHA
    elif byte == 42 or byte == 43 or byte == 94:
        splits = left & DIGIT and (right & DIGIT or data[stop] == 45)
    else:
        splits = left & (ALPHA | DIGIT) and right & ALPHA
        if byte == 45 and stop == at + 1:
            splits = splits or (left & DIGIT and right & DIGIT)
    return stop if splits else at


@bare_jit
def contraction(data: Bytes, begin: int, end: int) -> int:
    """Where `n't`, `'ll`, `'re`, `'ve`, `'d` or `'m` begins at the end of a word; `end` without one."""
    if end - begin < 3:
        return end
    last, mark = data[end - 1] | 32, data[end - 2]
    if mark == 39:
        if last == 116 and data[end - 3] | 32 == 110 and end - 3 > begin:
            return end - 3
        return end - 2 if last == 100 or last == 109 else end
    if data[end - 3] == 39 and end - 3 > begin:
        pair = mark | 32
        if (last == 108 and pair == 108) or (last == 101 and (pair == 114 or pair == 118)):
            return end - 3
    return end


@bare_jit
def split_chunk(data: Bytes, begin: int, end: int, kinds: Int, classes: Classes, cuts: Offsets) -> int:
    """Write where each word of a piece of text without white space ends; how many there are.

    `kinds` are the bits of all its characters.
    """
    low, high, count = begin, end, 0
    while low < high:
        if kinds & INNER and are_initials(data, low, high, classes):
            break
        stop = prefix_end(data, low, high, classes)
        if stop > low:
            low = cuts[count] = stop
            count += 1
            continue
        start = suffix_begin(data, low, high, classes)
        if start == high:
            break
        high = start
    if low < high:
        if kinds & (INNER | QUOTE):
            count = split_core(data, low, high, kinds, classes, cuts, count)
        else:
            cuts[count] = high
            count += 1
    at = high
    while at < end:
        stop = dots(data, at, end)
        if stop == at:
            stop = at + width(data[at])
            if stop < end and data[stop] | 32 == 115 and is_apostrophe(data, at):
                stop += 1
        at = cuts[count] = stop
        count += 1
    return count


@bare_jit
def split_core(
    data: Bytes, begin: int, end: int, kinds: Int, classes: Classes, cuts: Offsets, count: int
) -> int:
    """Go on with what stands between the marks at both ends."""
    stop = contraction(data, begin, end) if kinds & QUOTE else end
    if kinds & INNER and not is_address(data, begin, stop):
        at = word = begin
        while at < stop:
            mark = at
            if class_at(data, at, classes) & INNER:
                mark = infix_end(data, begin, at, stop, classes)
            if mark == at:
                at += width(data[at])
                continue
            if at > word:
                cuts[count] = at
                count += 1
            word = at = cuts[count] = mark
            count += 1
        if word == stop:
            count -= 1
    cuts[count] = stop
    count += 1
    if stop < end:
        cuts[count] = end
        count += 1
    return count
