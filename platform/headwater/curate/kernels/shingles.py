"""Word shingles: 64-bit hashes of all runs of a few words, straight from UTF-8."""

from __future__ import annotations

from typing import Any

import numpy as np

from headwater.curate.kernels.buffers import Bytes, Offsets, jit

Hashes = np.ndarray[Any, np.dtype[np.uint64]]
Letters = np.ndarray[Any, np.dtype[np.uint32]]

ALONE = np.uint32(1 << 31)
"""Flag in `Letters`: the character is a word by itself."""
SEED = np.uint64(0x27D4EB2F165667C5)
_BYTE_FACTOR = np.uint64(0x9E3779B97F4A7C15)
# Its powers up to the eighth minus one have few factors of two, so that words that change places change
# the sum.
_WORD_FACTOR = np.uint64(0xC2B2AE3D27D4EB4F)
_LAST_FACTOR = np.uint64(0xBB67AE8584CAA73B)
_HALF = np.uint64(32)


@jit
def code_point(data: Bytes, at: int) -> tuple[int, int]:
    """The character whose UTF-8 begins at `at` and where the next one begins; `data` is valid UTF-8."""
    lead = np.uint32(data[at])
    if lead < 0xE0:
        return ((lead & 0x1F) << 6) | (data[at + 1] & 0x3F), at + 2
    if lead < 0xF0:
        return ((lead & 0x0F) << 12) | ((data[at + 1] & 0x3F) << 6) | (data[at + 2] & 0x3F), at + 3
    high = ((lead & 0x07) << 18) | ((data[at + 1] & 0x3F) << 12)
    return high | ((data[at + 2] & 0x3F) << 6) | (data[at + 3] & 0x3F), at + 4


@jit
def word_hashes(
    data: Bytes, begin: int, end: int, letters: Letters, seed: np.uint64, out: Hashes, first: int
) -> int:
    """Write the hash of each word of `data[begin:end]` to `out[first:]`; the return is one past the last.

    `letters[c]` is the lower-case form of character `c`, 0 where `c` is part of no word. Another `seed` gives
    independent hashes. `out` needs room for half as many hashes as bytes, and one more.
    """
    word = seed
    count = first
    inside = 0
    at = begin
    while at < end:
        byte = data[at]
        if byte < 0x80:
            letter = letters[byte]
            at += 1
        else:
            point, at = code_point(data, at)
            letter = letters[point] if point < len(letters) else np.uint32(0)
            if letter & ALONE:
                if inside:
                    out[count] = word ^ (word >> _HALF)
                    count += 1
                word = (seed ^ np.uint64(letter)) * _BYTE_FACTOR
                out[count] = word ^ (word >> _HALF)
                count += 1
                word = seed
                inside = 0
                continue
        now = int(letter != 0)
        # Written at every byte and kept only at the end of a word: a branch there is mispredicted too often.
        out[count] = word ^ (word >> _HALF)
        count += inside & (1 - now)
        word = (word ^ np.uint64(letter)) * _BYTE_FACTOR if now else seed
        inside = now
    if inside:
        out[count] = word ^ (word >> _HALF)
        count += 1
    return count


@jit
def combine(hashes: Hashes, begin: int, end: int, size: int) -> int:
    """Replace the word hashes in `hashes[begin:end]` by those of their shingles; the return is the new end.

    Fewer words than `size` are one shingle.
    """
    width = min(size, end - begin)
    if width == 0:
        return begin
    total = np.uint64(0)
    leaving = np.uint64(1)
    for offset in range(width):
        total = total * _WORD_FACTOR + hashes[begin + offset]
        if offset:
            leaving *= _WORD_FACTOR
    last = end - width
    for at in range(begin, last + 1):
        first = hashes[at]
        mixed = (total ^ (total >> _HALF) ^ np.uint64(width)) * _LAST_FACTOR
        hashes[at] = mixed ^ (mixed >> np.uint64(29))
        if at < last:
            total = (total - first * leaving) * _WORD_FACTOR + hashes[at + width]
    return last + 1


@jit
def shingle_hashes(
    data: Bytes, offsets: Offsets, letters: Letters, size: int, out: Hashes, ends: Offsets
) -> int:
    """Shingles of every document in reading order, repetitions included: those of `i` stand in
    `out[ends[i]:ends[i + 1]]`. The return is how many there are.

    `ends` has one entry more than there are documents, `out` room for half as many hashes as bytes and two
    more for each document.
    """
    ends[0] = 0
    at = 0
    for document in range(len(offsets) - 1):
        filled = word_hashes(data, offsets[document], offsets[document + 1], letters, SEED, out, at)
        at = combine(out, at, filled, size)
        ends[document + 1] = at
    return at


def warm() -> None:
    """Compile for the types that callers use."""
    data = np.frombuffer("a b é 中 c".encode(), dtype=np.uint8)
    letters = np.zeros(1 << 16, dtype=np.uint32)
    letters[97:123] = np.arange(97, 123, dtype=np.uint32)
    offsets = np.frombuffer(np.array([0, len(data)], dtype=np.int64).tobytes(), dtype=np.int64)
    out = np.empty(len(data), dtype=np.uint64)
    ends = np.empty(2, dtype=np.int64)
    letters.setflags(write=False)
    shingle_hashes(data, offsets, letters, 2, out, ends)
