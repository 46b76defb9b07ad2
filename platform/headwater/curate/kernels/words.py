"""Text into words: what each word hashes to, how long it is and what it is made of.

The words are those of a tokenizer for training data: white space separates; punctuation at the edges of what
stands between is split off, mark by mark; some marks inside split too, such as the hyphens of `well-known`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from headwater.curate.kernels.buffers import Bytes, Offsets, TextBuffers, jit
from headwater.curate.kernels.characters import (
    ALPHA,
    PLAIN,
    PUNCTUATION,
    SPACE,
    SYMBOL,
    TERMINAL,
    Classes,
    Int,
    character_classes,
    code_point,
    frozen,
    width,
)
from headwater.curate.kernels.splitting import split_chunk, suffix_begin

Hashes = np.ndarray[Any, np.dtype[np.uint64]]
Counts = np.ndarray[Any, np.dtype[np.int32]]
Flags = np.ndarray[Any, np.dtype[np.uint8]]

# Flags of a word.
MEANS = 1
"""Has a character that is no `SYMBOL`."""
ALPHABETIC = 2
"""Has a letter."""
TERMINATOR = 4
"""Is one mark that ends a sentence."""
PUNCTUATED = 8
"""Punctuation alone."""
LINE_START = 16
"""The first of its line."""
GAP = 32
"""More than one space stands before it in its line, or other white space."""
TRAIL = 64
"""The last of its line, and more than one space follows, or other white space."""

BASE = np.uint64(0x9E3779B97F4A7C15)
BASE_2, BASE_3, BASE_4 = (np.uint64(pow(int(BASE), exponent, 2**64)) for exponent in (2, 3, 4))
ONE = np.uint64(1)


@dataclass(frozen=True)
class Words:
    """The words of a batch: those of document `i` are `offsets[i]` to `offsets[i + 1]`.

    `hashes` are polynomials of the bytes modulo 2^64, highest power first, so that the hash of two words
    joined is `first * BASE ** size + second`; `sizes` count bytes, `lengths` characters.
    """

    offsets: Offsets
    hashes: Hashes
    sizes: Counts
    lengths: Counts
    flags: Flags

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def first(self, count: int) -> Self:
        """The first `count` words alone."""
        return replace(
            self,
            hashes=self.hashes[:count],
            sizes=self.sizes[:count],
            lengths=self.lengths[:count],
            flags=self.flags[:count],
        )

    @classmethod
    def empty(cls, documents: int, capacity: int) -> Self:
        """Room for at most `capacity` words. Pages that are never written take no memory."""
        return cls(
            np.zeros(documents + 1, dtype=np.int64),
            np.empty(capacity, dtype=np.uint64),
            np.empty(capacity, dtype=np.int32),
            np.empty(capacity, dtype=np.int32),
            np.empty(capacity, dtype=np.uint8),
        )


@jit
def hash_bytes(data: Bytes, begin: int, end: int) -> np.uint64:
    """The polynomial hash of `data[begin:end]`."""
    value, at = np.uint64(0), begin
    # Four at a time, so that one multiplication need not wait for the other.
    while at + 4 <= end:
        first, second = np.uint64(data[at]) + ONE, np.uint64(data[at + 1]) + ONE
        third, fourth = np.uint64(data[at + 2]) + ONE, np.uint64(data[at + 3]) + ONE
        value = value * BASE_4 + (first * BASE_3 + second * BASE_2 + (third * BASE + fourth))
        at += 4
    while at < end:
        value = value * BASE + (np.uint64(data[at]) + ONE)
        at += 1
    return value


@jit
def split_documents(
    data: Bytes,
    offsets: Offsets,
    classes: Classes,
    bounds: Offsets,
    cuts: Offsets,
    hashes: Hashes,
    sizes: Counts,
    lengths: Counts,
    flags: Flags,
) -> int:
    """Write the words of every document and where each one's begin; how many there are.

    -1 when the arrays have no room for them. `cuts` is scratch, as long as the longest document.
    """
    count, room = 0, len(hashes)
    for document in range(len(offsets) - 1):
        bounds[document] = count
        at, end = offsets[document], offsets[document + 1]
        layout = LINE_START
        while at < end:
            # White space, and what of it matters to sentences.
            spaces, first = 0, 0
            while at < end:
                byte = data[at]
                if byte > 32 and byte < 0x80:
                    break
                point = code_point(data, at)
                if not classes[point] & SPACE:
                    break
                if point == 10:
                    if count > bounds[document] and not layout & LINE_START and wide(spaces, first):
                        flags[count - 1] |= TRAIL
                    layout, spaces = LINE_START, 0
                else:
                    if spaces == 0:
                        first = point
                    spaces += 1
                at += width(byte)
            if at == end:
                if count > bounds[document] and not layout & LINE_START and wide(spaces, first):
                    flags[count - 1] |= TRAIL
                break
            if not layout & LINE_START and wide(spaces, first):
                layout = GAP
            # Most pieces begin with letters and digits, which are hashed while they are scanned.
            begin, length, some = at, 0, np.uint32(0)
            value = np.uint64(0)
            while at < end:
                byte = data[at]
                kind = classes[code_point(data, at)]
                if not kind & PLAIN:
                    break
                value = value * BASE + np.uint64(byte) + ONE
                at += 1
                if byte >= 0x80:
                    for _ in range(width(byte) - 1):
                        value = value * BASE + np.uint64(data[at]) + ONE
                        at += 1
                some |= kind
                length += 1
            stop, kinds = at, some
            while at < end:
                kind = classes[code_point(data, at)]
                if kind & SPACE:
                    break
                kinds |= kind
                at += width(data[at])
            marks = 0
            if stop == begin and at == begin + width(data[begin]):
                cuts[0], marks = at, 1
            elif stop > begin and (
                at == stop
                or (at == stop + width(data[stop]) and suffix_begin(data, begin, at, classes) == stop)
            ):
                if count == room:
                    return -1
                hashes[count] = value
                sizes[count] = stop - begin
                lengths[count] = length
                flags[count] = layout | MEANS | (ALPHABETIC if some & ALPHA else 0)
                count += 1
                layout, begin = 0, stop
                if at > stop:
                    cuts[0], marks = at, 1
            else:
                marks = split_chunk(data, begin, at, kinds, classes, cuts)
            if count + marks > room:
                return -1
            for mark in range(marks):
                stop, length, value = cuts[mark], 0, np.uint64(0)
                some, all_ = np.uint32(0), np.uint32(0xFFFFFFFF)
                sizes[count] = stop - begin
                while begin < stop:
                    byte = data[begin]
                    kind = classes[code_point(data, begin)]
                    some |= kind
                    all_ &= kind
                    length += 1
                    value = value * BASE + np.uint64(byte) + ONE
                    begin += 1
                    if byte >= 0x80:
                        for _ in range(width(byte) - 1):
                            value = value * BASE + np.uint64(data[begin]) + ONE
                            begin += 1
                flag = layout
                flag |= 0 if all_ & SYMBOL else MEANS
                flag |= ALPHABETIC if some & ALPHA else 0
                flag |= PUNCTUATED if all_ & PUNCTUATION else 0
                flag |= TERMINATOR if length == 1 and some & TERMINAL else 0
                hashes[count] = value
                lengths[count] = length
                flags[count] = flag
                count += 1
                layout = 0
            layout = 0
    bounds[len(offsets) - 1] = count
    return count


@jit
def wide(spaces: int, first: Int) -> bool:
    """Whether white space is more than the one space that separates two words."""
    return spaces > 1 or (spaces == 1 and first != 32)


def split(texts: TextBuffers) -> Words:
    """The words of every document."""
    size = int(texts.offsets[-1] - texts.offsets[0])
    cuts = np.empty(int(texts.sizes.max(initial=0)), dtype=np.int64)
    # A word takes six bytes of prose, spaces included, and never less than one.
    for capacity in (size // 3 + 1, size):
        words = Words.empty(len(texts), capacity)
        count = split_documents(
            frozen(texts.data),
            frozen(texts.offsets),
            character_classes(),
            words.offsets,
            cuts,
            words.hashes,
            words.sizes,
            words.lengths,
            words.flags,
        )
        if count >= 0:
            return words.first(count)
    raise AssertionError("more words than bytes")


def warm() -> None:
    """Compile."""
    split(TextBuffers(np.frombuffer(b"a (b)", dtype=np.uint8), np.array([0, 5])))
