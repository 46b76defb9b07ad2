"""Text into words: what each word hashes to, how long it is and what it is made of.

The words are those of a tokenizer for training data: white space separates; punctuation at the edges of what
stands between is split off, mark by mark; some marks inside split too, such as the hyphens of `well-known`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pyarrow as pa

from headwater.curate.kernels.block_words import words_in_block
from headwater.curate.kernels.blocks import (
    BLOCK,
    SPAN,
    SPAN_LOADED,
    count_bits,
    digit_bits,
    first_bit,
    letter_bits,
    load_8,
)
from headwater.curate.kernels.buffers import Bytes, Offsets, TextBuffers, bare_jit, inlined
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
MIX = np.uint64(0xD6E8FEB86659FD93)
ONE, HALF, ALL = np.uint64(1), np.uint64(32), np.uint64(0xFFFFFFFFFFFFFFFF)


@dataclass(frozen=True)
class Words:
    """The words of a batch: those of document `i` are `offsets[i]` to `offsets[i + 1]`.

    `hashes` are those of `hash_bytes`; `sizes` count bytes, `lengths` characters.
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
        # In one piece, which the allocator keeps for the next batch; four smaller ones it gives back.
        memory = np.empty(capacity * 17, dtype=np.uint8)
        hashes, sizes, lengths, flags = np.split(memory, np.multiply(capacity, (8, 12, 16)))
        return cls(
            np.zeros(documents + 1, dtype=np.int64),
            hashes.view(np.uint64),
            sizes.view(np.int32),
            lengths.view(np.int32),
            flags,
        )


@inlined
def hash_bytes(data: Bytes, begin: int, end: int) -> np.uint64:
    """A hash of `data[begin:end]` whose bits are all well mixed."""
    size = end - begin
    value = np.uint64(size) * BASE
    if size > 8:
        at = begin
        # After one product the last of eight bytes moves few bits, and the bytes behind could move them back.
        while at < end - 8:
            value = (value ^ load_8(data, at)) * MIX
            value = (value ^ value >> HALF) * BASE
            value ^= value >> HALF
            at += 8
        value = (value ^ load_8(data, end - 8)) * MIX
        return value ^ value >> HALF
    if size <= 0:
        return value
    if begin + 8 <= len(data):
        last = load_8(data, begin) & (ALL >> np.uint64(64 - 8 * size))
    else:
        last = np.uint64(0)
        for place in range(size):
            last |= np.uint64(data[begin + place]) << np.uint64(8 * place)
    value = (value ^ last) * MIX
    return value ^ value >> HALF


@bare_jit
def hash_pieces(data: Bytes, offsets: Offsets, hashes: Hashes) -> None:
    """Fill `hashes` with that of each piece."""
    for piece in range(len(hashes)):
        hashes[piece] = hash_bytes(data, offsets[piece], offsets[piece + 1])


def hash_words(words: Sequence[str]) -> Hashes:
    """The hashes of these words."""
    texts = TextBuffers.of(pa.array(words, pa.large_string()))
    hashes = np.empty(len(words), dtype=np.uint64)
    hash_pieces(frozen(texts.data), frozen(texts.offsets), hashes)
    return hashes


@inlined
def skip_plain(data: Bytes, at: int, end: int) -> tuple[int, bool]:
    """Where the ASCII letters and digits that begin at `at` end, and whether there is a letter."""
    lettered = False
    while at + BLOCK <= len(data) and at < end:
        letters = letter_bits(data, at)
        size = min(first_bit(~(letters | digit_bits(data, at))), end - at)
        lettered |= letters & ((1 << size) - 1) != 0
        at += size
        if size < BLOCK:
            return at, lettered
    while at < end:
        byte = data[at]
        if 97 <= byte | 32 <= 122:
            lettered = True
        elif not 48 <= byte <= 57:
            break
        at += 1
    return at, lettered


@inlined
def judge_word(data: Bytes, begin: int, end: int, classes: Classes) -> tuple[int, int]:
    """Characters of a word, and its flags but for those of its place in the line."""
    length, some, common = 0, np.uint32(0), np.uint32(0xFFFFFFFF)
    at = begin
    while at < end:
        kind = classes[code_point(data, at)]
        some |= kind
        common &= kind
        length += 1
        at += width(data[at])
    flag = 0 if common & SYMBOL else MEANS
    flag |= ALPHABETIC if some & ALPHA else 0
    flag |= PUNCTUATED if common & PUNCTUATION else 0
    flag |= TERMINATOR if length == 1 and some & TERMINAL else 0
    return length, flag


@bare_jit
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
            if at + SPAN_LOADED <= len(data):
                found = words_in_block(data, at, end, count == bounds[document], classes)
                if count + SPAN > room:
                    return -1
                begins, ends = found.begins, found.ends
                while begins:
                    begin, stop = first_bit(begins), first_bit(ends)
                    begins, ends = begins & (begins - 1), ends & (ends - 1)
                    word = (1 << stop) - (1 << begin)
                    hashes[count] = hash_bytes(data, at + begin, at + stop)
                    sizes[count] = stop - begin
                    lengths[count] = count_bits(word & found.characters)
                    flag = MEANS if found.alphanumeric & word else 0
                    flag |= ALPHABETIC if found.letters & word else 0
                    flag |= 0 if word & ~found.punctuation else PUNCTUATED
                    flag |= TERMINATOR if stop - begin == 1 and found.terminal & word else 0
                    flag |= LINE_START if found.line_starts & word else 0
                    flag |= GAP if found.gaps & word else 0
                    flags[count] = flag
                    count += 1
                if found.reach > at:
                    at, layout = found.reach, 0
                if not found.stuck:
                    continue
            # One space is most of the white space; for the rest, what of it matters to sentences.
            if layout == 0 and data[at] == 32 and at + 1 < end and 32 < data[at + 1] < 0x80:
                at += 1
            else:
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
            begin = at
            at, lettered = skip_plain(data, begin, end)
            length, stop = at - begin, at
            marks = 0
            if at < end and data[at] != 32 and data[at] != 10:
                # Letters and digits beyond ASCII go on; then what else stands before white space.
                kinds = np.uint32(ALPHA if lettered else 0)
                while at < end:
                    kind = classes[code_point(data, at)]
                    if not kind & PLAIN:
                        break
                    kinds |= kind
                    at += width(data[at])
                    length += 1
                stop = at
                lettered = kinds & ALPHA != 0
                while at < end:
                    kind = classes[code_point(data, at)]
                    if kind & SPACE:
                        break
                    kinds |= kind
                    at += width(data[at])
                if stop == begin and at == begin + width(data[begin]):
                    cuts[0], marks = at, 1
                elif at > stop:
                    if (
                        stop > begin
                        and at == stop + width(data[stop])
                        and suffix_begin(data, begin, at, classes) == stop
                    ):
                        cuts[0], marks = at, 1
                    else:
                        stop = begin
                        marks = split_chunk(data, begin, at, kinds, classes, cuts)
            if count + marks + 1 > room:
                return -1
            if stop > begin:
                hashes[count] = hash_bytes(data, begin, stop)
                sizes[count] = stop - begin
                lengths[count] = length
                flags[count] = layout | MEANS | (ALPHABETIC if lettered else 0)
                count += 1
                layout, begin = 0, stop
            for mark in range(marks):
                stop = cuts[mark]
                length, flag = judge_word(data, begin, stop, classes)
                hashes[count] = hash_bytes(data, begin, stop)
                sizes[count] = stop - begin
                lengths[count] = length
                flags[count] = flag | layout
                count += 1
                layout, begin = 0, stop
            layout = 0
    bounds[len(offsets) - 1] = count
    return count


@inlined
def wide(spaces: int, first: Int) -> bool:
    """Whether white space is more than the one space that separates two words."""
    return spaces > 1 or (spaces == 1 and first != 32)


def split(texts: TextBuffers) -> Words:
    """The words of every document."""
    size = int(texts.offsets[-1] - texts.offsets[0])
    cuts = np.empty(int(texts.sizes.max(initial=0)), dtype=np.int64)
    # A word takes six bytes of prose, spaces included, and never less than one.
    for capacity in (size // 3 + SPAN, size + 1 + SPAN):
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
    hash_words(["a"])
