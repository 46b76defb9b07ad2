"""Whitespace, invisible characters and the signs of what needs more than that, in one pass over the bytes."""

from __future__ import annotations

from typing import Any

import numpy as np

from headwater.curate.code_points import (
    INVISIBLE,
    LINE_END,
    SEQUENCES_END,
    SPACE,
    STRICT,
    TABLE_END,
    UNSETTLED,
    Sequences,
    mojibake_sequences,
    normalization_kinds,
)
from headwater.curate.kernels.buffers import Bytes, Offsets, TextBuffers, jit
from headwater.curate.kernels.utf8 import Integer, Truth, code_point, size_of_character

MOJIBAKE, FORM, MARKUP = 1, 2, 4

_STRIDE = 32
_LONGEST_NAME = 8
_TAB, _NEWLINE, _RETURN, _BLANK = 9, 10, 13, 32
_HASH, _AMPERSAND, _SLASH, _SEMICOLON, _LESS, _GREATER, _X = 35, 38, 47, 59, 60, 62, 120
_FOUR_BLANKS = 4


Numbers = np.ndarray[Any, np.dtype[np.int64]]


def _packed(*names: str) -> Numbers:
    """Names of up to seven ASCII characters as numbers, first character highest."""
    return np.array(sorted(int.from_bytes(name.encode(), "big") for name in names), dtype=np.int64)


TAGS = (
    *("p", "b", "i", "u", "a", "em", "strong", "code", "span", "div", "li", "ul", "ol", "pre", "tt", "font"),
    *("small", "sub", "sup", "td", "tr", "th", "table", "h1", "h2", "h3", "h4", "h5", "h6"),
)
"""Elements whose tags are remains of markup when an end tag stands in the text."""
ENTITIES = ("nbsp", "amp", "lt", "gt", "quot", "apos")
_TAG_NUMBERS = _packed(*TAGS)
_ENTITY_NUMBERS = _packed(*ENTITIES)


_PLAIN_BYTES = np.array([0x20 < byte < 0x7F and chr(byte) not in ";>" for byte in range(256)])


# Bytes are compared with bytes in a loop that becomes vector instructions, which wider constants prevent.
_U8_BLANK, _U8_NEWLINE, _U8_DELETE = np.uint8(_BLANK), np.uint8(_NEWLINE), np.uint8(0x7F)
_U8_SEMICOLON, _U8_GREATER = np.uint8(_SEMICOLON), np.uint8(_GREATER)


@jit
def _is_plain(data: Bytes, at: int) -> Truth:
    """Whether the next 32 bytes of a line are ordinary text: to be copied as they are."""
    window = data[at : at + _STRIDE + 1]
    other = False
    for step in range(_STRIDE):
        this, following = window[step], window[step + 1]
        other |= (
            (this >= _U8_DELETE)
            | ((this < _U8_BLANK) & (this != _U8_NEWLINE))
            | (this == _U8_SEMICOLON)
            | (this == _U8_GREATER)
            | ((this <= _U8_BLANK) & (following <= _U8_BLANK))
        )
    return not other


@jit
def _is_letter_or_digit(byte: Integer) -> Truth:
    return (48 <= byte <= 57) or (97 <= (byte | 32) <= 122)


@jit
def _name_before(out: Bytes, end: Integer, begin: Integer) -> tuple[Integer, np.int64]:
    """Where the up to eight letters and digits before `end` begin, and their number in lower case."""
    at, number = end, np.int64(0)
    while at > begin and end - at < _LONGEST_NAME and _is_letter_or_digit(out[at - 1]):
        at -= 1
    for place in range(at, end):
        byte = np.int64(out[place])
        number = (number << 8) | (byte | 32 if byte >= 65 else byte)
    return at, number


@jit
def _is_among(number: np.int64, numbers: Numbers) -> Truth:
    found = False
    for one in numbers:
        found = found or one == number
    return found


@jit
def _ends_closing_tag(out: Bytes, end: Integer, begin: Integer) -> Truth:
    """Whether `</name` or `</name ` stands before `end`."""
    if end > begin and out[end - 1] == _BLANK:
        end -= 1
    at, number = _name_before(out, end, begin)
    return (
        at - begin >= 2 and out[at - 1] == _SLASH and out[at - 2] == _LESS and _is_among(number, _TAG_NUMBERS)
    )


@jit
def _ends_entity(out: Bytes, end: Integer, begin: Integer) -> Truth:
    """Whether a character reference stands before `end`, but for its semicolon."""
    at, number = _name_before(out, end, begin)
    if at in (begin, end):
        return False
    digits = capitals = hexadecimals = 0
    for place in range(at, end):
        byte = out[place]
        digits += byte <= 57
        capitals += 65 <= byte <= 90
        hexadecimals += byte <= 57 or (byte | 32) <= 102
    if out[at - 1] == _AMPERSAND:
        return capitals == 0 and _is_among(number, _ENTITY_NUMBERS)
    if out[at - 1] != _HASH or at - begin < 2 or out[at - 2] != _AMPERSAND:
        return False
    size = end - at
    if out[at] == _X:
        return 1 <= size - 1 <= 6 and hexadecimals == size - 1
    return size <= 7 and digits == size


@jit
def _is_code(out: Bytes, line: Integer, write: Integer) -> Truth:
    """Whether `out[line:write]`, the whitespace that a line begins with, has four spaces first."""
    if write - line < _FOUR_BLANKS:
        return False
    blanks = 0
    for place in range(line, line + _FOUR_BLANKS):
        blanks += out[place] == _BLANK
    return blanks == _FOUR_BLANKS


@jit
def clean(
    data: Bytes,
    offsets: Offsets,
    kinds: Bytes,
    sequences: Sequences,
    out: Bytes,
    out_offsets: Offsets,
    flags: Bytes,
) -> None:
    """Write every text without invisible characters and with regular whitespace; flag what else it needs.

    `out` must hold the bytes of `data` and three more for each tab. `flags` (one byte for each text) gets
    MOJIBAKE where UTF-8 seems to have been read in another encoding, FORM where characters may not be in the
    normalization form of `kinds`, MARKUP where an end tag or a character reference stands outside code.
    """
    write = 0
    for document in range(len(offsets) - 1):
        begin = line = solid = write
        read, end = offsets[document], offsets[document + 1]
        flag = 0
        code, only_tabs = False, True
        newlines = 0
        retry = read
        # Encodings in which the next one, two, three characters continue a sequence; in which one ended here
        # and one, two, three characters before.
        one, two, three = np.uint64(0), np.uint64(0), np.uint64(0)
        ended, ended_1, ended_2, ended_3 = np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0)
        while read < end:
            byte = data[read]
            if byte > _BLANK and byte < 0x7F:
                if solid == line:
                    code = _is_code(out, line, write)
                    newlines = 0
                    if line == begin and not code:
                        write = begin
                one = two = three = ended = ended_1 = ended_2 = np.uint64(0)
                if byte == _GREATER:
                    if not code and _ends_closing_tag(out, write, begin):
                        flag |= MARKUP
                elif byte == _SEMICOLON and not code and _ends_entity(out, write, begin):
                    flag |= MARKUP
                out[write] = byte
                write += 1
                read += 1
                while read < end:
                    byte = data[read]
                    if byte <= _BLANK:
                        if byte != _BLANK or read + 1 >= end or not _PLAIN_BYTES[data[read + 1]]:
                            break
                    elif not _PLAIN_BYTES[byte]:
                        break
                    out[write] = byte
                    write += 1
                    read += 1
                solid = write
                if read >= retry:
                    while read + _STRIDE < end and _is_plain(data, read):
                        source, target = data[read : read + _STRIDE], out[write : write + _STRIDE]
                        ended_line = False
                        for step in range(_STRIDE):
                            target[step] = source[step]
                            ended_line |= source[step] == _U8_NEWLINE
                        code = code and not ended_line
                        read += _STRIDE
                        write += _STRIDE
                        while out[write - 1] <= _BLANK:
                            write -= 1
                            read -= 1
                        solid = write
                    retry = read + _STRIDE
                continue
            size, kind = 1, INVISIBLE
            if byte < 0x80:
                if byte in (_BLANK, _TAB):
                    kind = SPACE
                elif byte in (_NEWLINE, _RETURN):
                    kind = LINE_END
                    if byte == _RETURN and read + 1 < end and data[read + 1] == _NEWLINE:
                        size = 2
                if kind != INVISIBLE:
                    one = two = three = ended = ended_1 = ended_2 = np.uint64(0)
            else:
                size = min(size_of_character(byte), end - read)
                point = code_point(data, read, size)
                kind = np.int64(kinds[point]) if point < TABLE_END else 0
                roles = sequences[point] if point < SEQUENCES_END else np.uint64(0)
                if roles != 0 or kind != INVISIBLE:
                    ended_3, ended_2, ended_1 = ended_2, ended_1, ended
                    ended = one & roles
                    sure = np.uint64(STRICT) | ended_2 | ended_3
                    if ended & sure:
                        flag |= MOJIBAKE
                    # French sets a no-break space between an accented letter and a closing quote.
                    longer = np.uint64(0) if kind == SPACE else two & roles
                    one = longer | ((roles >> np.uint64(16)) & np.uint64(0xFFFF))
                    two = (three & roles) | ((roles >> np.uint64(32)) & np.uint64(0xFFFF))
                    three = roles >> np.uint64(48)
            if kind == INVISIBLE:
                read += size
                continue
            if kind == LINE_END:
                write = solid
                if write > begin and newlines < 2:
                    out[write] = _NEWLINE
                    write += 1
                    newlines += 1
                line = solid = write
                only_tabs, code = True, False
            elif kind == SPACE:
                if solid == line:
                    if byte == _TAB and only_tabs:
                        for _ in range(_FOUR_BLANKS):
                            out[write] = _BLANK
                            write += 1
                    else:
                        only_tabs = False
                        out[write] = _TAB if byte == _TAB else _BLANK
                        write += 1
                elif code:
                    out[write] = _TAB if byte == _TAB else _BLANK
                    write += 1
                elif write == solid:
                    out[write] = _BLANK
                    write += 1
            else:
                if kind == UNSETTLED:
                    flag |= FORM
                if solid == line:
                    code = _is_code(out, line, write)
                    newlines = 0
                    if line == begin and not code:
                        write = begin
                for step in range(size):
                    out[write + step] = data[read + step]
                write += size
                solid = write
            read += size
        write = solid
        while write > begin and out[write - 1] == _NEWLINE:
            write -= 1
        out_offsets[document + 1] = write
        flags[document] = flag


@jit
def join_lines(data: Bytes, offsets: Offsets) -> None:
    """Bring cleaned texts on one line each, in place: every run of whitespace becomes one space."""
    write = 0
    for document in range(len(offsets) - 1):
        begin = write
        read, end = offsets[document], offsets[document + 1]
        offsets[document] = begin
        blank = False
        for place in range(read, end):
            byte = data[place]
            if byte in (_BLANK, _TAB, _NEWLINE):
                blank = write > begin
                continue
            if blank:
                data[write] = _BLANK
                write += 1
                blank = False
            data[write] = byte
            write += 1
    offsets[len(offsets) - 1] = write


def cleaned(texts: TextBuffers, kinds: Bytes) -> tuple[TextBuffers, Bytes]:
    """All texts cleaned, and their flags; see `clean`."""
    first, last = int(texts.offsets[0]), int(texts.offsets[-1])
    tabs = int(np.count_nonzero(texts.data[first:last] == _TAB))
    out = np.empty(last - first + 3 * tabs, dtype=np.uint8)
    offsets = np.zeros(len(texts) + 1, dtype=np.int64)
    flags = np.zeros(len(texts), dtype=np.uint8)
    if len(texts):
        clean(texts.data, texts.offsets, kinds, mojibake_sequences(), out, offsets, flags)
    return TextBuffers(out[: offsets[-1]], offsets), flags


def warm() -> None:
    """Compile."""
    import pyarrow as pa

    texts, _ = cleaned(TextBuffers.of(pa.array(["a  text"])), normalization_kinds("NFC"))
    join_lines(texts.data, texts.offsets)
