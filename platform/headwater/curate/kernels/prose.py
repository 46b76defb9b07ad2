"""Four short windows of a text's prose: what the language is judged by, without reading the whole text.

Left out are lines of code, inline code, and words that belong to no language: options, links, paths,
identifiers, placeholders, numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from headwater.curate.code_points import LETTER, LOWER, TABLE_END, UPPER, letter_kinds
from headwater.curate.kernels.buffers import Bytes, Offsets, TextBuffers, jit
from headwater.curate.kernels.utf8 import Integer, Truth, code_point, size_of_character

WINDOWS = 4
WINDOW_CHARACTERS = 100

_CHARACTERS = WINDOWS * WINDOW_CHARACTERS
_ROOM = 8192
"""Bytes that the windows of one text can have: their characters, and the words that pass their ends."""
_NEAR_LINE, _NEAR_WORD = 200, 100
"""How far a window moves to begin with a line, else with a word; bytes."""
_LONGEST_ASCII_WORD = 40
_LONGEST_WORD = 512
"""Bytes of a word that are judged together; scripts without spaces have no end of words."""
_LONGEST_INLINE_CODE = 200
_NEWLINE, _BLANK, _HYPHEN, _BACKTICK = 10, 32, 45, 96
_FOUR_BLANKS = 4
_NOISE = np.array([chr(byte) in "0123456789_@/\\<>{}[]=$|" for byte in range(256)])


@jit
def _is_lower(byte: Integer) -> Truth:
    return 97 <= byte <= 122


@jit
def _is_upper(byte: Integer) -> Truth:
    return 65 <= byte <= 90


@jit
def _is_compound(data: Bytes, begin: int, end: int) -> Truth:
    """Whether a word is an option (`-x`, `--name`), kebab-case of three parts, camelCase or PascalCase."""
    at = begin
    while at < end and at - begin < 2 and data[at] == _HYPHEN:
        at += 1
    if at > begin:
        return at < end and (_is_lower(data[at]) or _is_upper(data[at]) or data[at] >= 0x80)
    while at < end and _is_lower(data[at]):
        at += 1
    parts = 1 if at > begin else 0
    kebab = parts == 1
    hyphens = 0
    while kebab and at < end and data[at] == _HYPHEN:
        start = at + 1
        at = start
        while at < end and _is_lower(data[at]):
            at += 1
        hyphens += 1
        kebab = at > start
    if hyphens:
        return kebab and hyphens >= 2 and at == end
    while at + 1 < end and _is_upper(data[at]) and _is_lower(data[at + 1]):
        at += 1
        while at < end and _is_lower(data[at]):
            at += 1
        parts += 1
    return parts >= 2 and (at == end or not (_is_lower(data[at]) or _is_upper(data[at]) or data[at] >= 0x80))


@jit
def _is_unspaced(data: Bytes, at: int) -> Truth:
    """Whether the character of three or four bytes at `at` is of a script written without spaces.

    South-East Asian scripts (U+0E00 to U+1FFF) and all from the CJK radicals (U+2E80) on.
    """
    first, second = data[at], data[at + 1]
    if first == 0xE0:
        return second >= 0xB8
    return first == 0xE1 or first > 0xE2 or (first == 0xE2 and second >= 0xBA)


@jit
def _skip_inline_code(data: Bytes, at: int, end: int) -> int:
    """Where the code that begins with the backtick at `at` ends; `at` if it does not end near by."""
    for place in range(at + 1, min(end, at + _LONGEST_INLINE_CODE + 2)):
        if data[place] == _NEWLINE:
            break
        if data[place] == _BACKTICK:
            return place + 1
    return at


@jit
def _begins_code(data: Bytes, begin: int, at: int, end: int) -> Truth:
    """Whether a line that begins with four spaces begins at `at`."""
    if at + _FOUR_BLANKS > end or (at > begin and data[at - 1] != _NEWLINE):
        return False
    blanks = 0
    for place in range(at, at + _FOUR_BLANKS):
        blanks += data[place] == _BLANK
    return blanks == _FOUR_BLANKS


@jit
def _near_start(data: Bytes, at: int, end: int) -> int:
    """The next begin of a line, else of a word, else of a character."""
    for place in range(at, min(end, at + _NEAR_LINE)):
        if data[place] == _NEWLINE:
            return place + 1
    for place in range(at, min(end, at + _NEAR_WORD)):
        if data[place] == _BLANK:
            return place
    while at < end and (data[at] & 0xC0) == 0x80:
        at += 1
    return at


@jit
def _collect(
    data: Bytes, begin: int, at: int, end: int, room: int, out: Bytes, write: int
) -> tuple[int, int, int]:
    """Append words from `data[at:end]` to `out` until `room` characters are used up.

    Returns where to read on, the end of what was written, and the characters used.
    """
    used = 0
    while at < end and used < room:
        byte = data[at]
        if byte <= _BLANK:
            if byte == _BLANK and _begins_code(data, begin, at, end):
                while at < end and data[at] != _NEWLINE:
                    at += 1
            else:
                at += 1
            continue
        if byte == _BACKTICK:
            after = _skip_inline_code(data, at, end)
            if after > at:
                at = after
                continue
        start = at
        ascii_only, noise, unspaced = True, False, False
        while at < end:
            byte = data[at]
            if byte <= _BLANK:
                break
            if byte == _BACKTICK and at > start and _skip_inline_code(data, at, end) > at:
                break
            if byte >= 0x80:
                ascii_only = False
                if byte >= 0xE0 and at + 1 < end and _is_unspaced(data, at):
                    unspaced = True
                if byte >= 0xC0 and at - start >= _LONGEST_WORD:
                    break
            elif _NOISE[byte]:
                noise = True
            at += 1
        if ascii_only and (noise or at - start > _LONGEST_ASCII_WORD):
            continue
        noise = noise or _is_compound(data, start, at)
        if noise and not unspaced:
            continue
        if write > 0:
            out[write] = _BLANK
            write += 1
            used += 1
        for place in range(start, at):
            byte = data[place]
            if byte < 0x80:
                if noise and (_NOISE[byte] or _is_lower(byte | 32)):
                    continue
            elif (byte & 0xC0) == 0x80:
                out[write] = byte
                write += 1
                continue
            if unspaced and used >= room:
                at = place
                break
            out[write] = byte
            write += 1
            used += 1
    return at, write, used


@jit
def _count_letters(text: Bytes, size: int, kinds: Bytes) -> tuple[Any, Any, Any, Any, Any]:
    """Letters, capitals and small letters of `text[:size]`, and of these the ASCII letters and capitals."""
    letters = capitals = small = ascii_letters = ascii_capitals = 0
    at = 0
    while at < size:
        length = size_of_character(text[at])
        point = code_point(text, at, length)
        at += length
        if length == 1:
            ascii_capitals += _is_upper(point)
            ascii_letters += _is_lower(point | 32)
        kind = kinds[point] if point < TABLE_END else 0
        letters += (kind & LETTER) != 0
        capitals += (kind & UPPER) != 0
        small += (kind & LOWER) != 0
    return letters, capitals, small, ascii_letters, ascii_capitals


@jit
def choose(
    data: Bytes,
    offsets: Offsets,
    kinds: Bytes,
    out: Bytes,
    out_offsets: Offsets,
    letters: Offsets,
    shouted: Any,
) -> None:
    """Write four windows of each text one after the other, the last ones empty where a text is short.

    A window begins in each quarter of the bytes and has 100 characters; what a quarter lacks, the others make
    up for, so a text of up to 400 characters of prose is seen whole. `letters` (one for each window) and
    `shouted` (one for each text: all its letters, or four fifths of the ASCII ones, are capitals) are filled.
    """
    scratch = np.empty((WINDOWS, _ROOM), dtype=np.uint8)
    bounds = np.empty(WINDOWS + 1, dtype=np.int64)
    places, sizes = np.empty(WINDOWS, dtype=np.int64), np.empty(WINDOWS, dtype=np.int64)
    total = 0
    for document in range(len(offsets) - 1):
        begin, end = offsets[document], offsets[document + 1]
        bounds[0], bounds[WINDOWS] = begin, end
        for window in range(1, WINDOWS):
            quarter = begin + (end - begin) * window // WINDOWS
            bounds[window] = _near_start(data, quarter, end) if end - begin > _CHARACTERS else end
        left = _CHARACTERS
        for window in range(WINDOWS):
            bounds[window] = min(bounds[window], bounds[window + 1])
        for window in range(WINDOWS):
            places[window], sizes[window], used = _collect(
                data, begin, bounds[window], bounds[window + 1], WINDOW_CHARACTERS, scratch[window], 0
            )
            left -= used
        for window in range(WINDOWS):
            if left > 0:
                places[window], sizes[window], used = _collect(
                    data, begin, places[window], bounds[window + 1], left, scratch[window], sizes[window]
                )
                left -= used
        characters = capitals = small = ascii_letters = ascii_capitals = 0
        for window in range(WINDOWS):
            size = sizes[window]
            for place in range(size):
                out[total + place] = scratch[window, place]
            total += size
            index = document * WINDOWS + window
            out_offsets[index + 1] = total
            counts = _count_letters(scratch[window], size, kinds)
            letters[index] = counts[0]
            capitals += counts[1]
            small += counts[2]
            ascii_letters += counts[3]
            ascii_capitals += counts[4]
            characters += size
        shouted[document] = (capitals > 0 and small == 0) or (
            characters > 5 and 5 * ascii_capitals > 4 * ascii_letters
        )


@dataclass(frozen=True)
class Windows:
    """Four windows of each text as one column of texts; the letters of each; which texts are all capitals."""

    texts: TextBuffers
    letters: Offsets
    shouted: np.ndarray[Any, np.dtype[np.bool_]]


def prose_windows(texts: TextBuffers) -> Windows:
    """The windows of all texts; see `choose`."""
    count = len(texts)
    out = np.empty(int(np.minimum(texts.sizes + WINDOWS, WINDOWS * _ROOM).sum()), dtype=np.uint8)
    offsets = np.zeros(count * WINDOWS + 1, dtype=np.int64)
    letters = np.zeros(count * WINDOWS, dtype=np.int64)
    shouted = np.zeros(count, dtype=np.bool_)
    if count:
        choose(texts.data, texts.offsets, letter_kinds(), out, offsets, letters, shouted)
    return Windows(TextBuffers(out[: offsets[-1]], offsets), letters, shouted)


def warm() -> None:
    """Compile."""
    import pyarrow as pa

    prose_windows(TextBuffers.of(pa.array(["a text"])))
