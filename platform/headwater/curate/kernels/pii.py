"""Where personal data may begin: one pass over the bytes of a batch.

The kernel tests only what every finding needs, so that few places are left; `headwater.curate.pii` decides
there with exact patterns, and only there. Bytes from 0x80 on are no word characters here: a number or an
address may follow a Chinese or Cyrillic word without a space.

Every place is told by a digit or one of `:;<=>?@`, which are neighbours in ASCII, so that stretches without
any of them are passed over with vector instructions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from headwater.curate.kernels.buffers import Bytes, Offsets, TextBuffers, jit

AT, IPV4, IPV6, NUMBER, LETTERED, TOKEN, NAMED = range(7)
"""Families of places: an `@`; the first character of an address, of a number, of an identifier that begins
with capitals, of a token with an issuer's prefix; the `:` or `=` of `name = value`."""
FAMILIES = 7

ROOM = 1 << 14
"""Places that one call of the kernel returns; the next call goes on from there, so memory is bounded."""
MIN_TOKEN = 16
MIN_DIGITS = 7
REACH = 44
"""Bytes of a number with its separators."""
CONTEXT = 48
"""Bytes before a number in which a word must begin that tells what it is, if its form does not."""
ADDRESS = 1024
"""Bytes on each side of an `@`: 256 characters."""
VALUE = 2_200
"""Bytes behind a name: the 512 characters of the longest value that counts, four bytes each."""
BLOCK = 32
_MULTIPLIER = np.uint32(0x9E3779B1)
_WORD_SHIFT = np.uint32(32 - 20)
_GROUP_SHIFT = np.uint32(32 - 16)
"""Those of `headwater.curate.pii.hints`, which makes the tables."""


@jit
def _is_digit(byte: Any) -> bool:
    return 48 <= byte <= 57


@jit
def _is_letter(byte: Any) -> bool:
    return 97 <= (byte | 32) <= 122 and byte < 128


@jit
def _is_word(byte: Any) -> bool:
    return (97 <= (byte | 32) <= 122 and byte < 128) or 48 <= byte <= 57 or byte == 95


@jit
def _is_hex(byte: Any) -> bool:
    return 48 <= byte <= 57 or (97 <= (byte | 32) <= 102 and byte < 128)


@jit
def _is_address(data: Bytes, at: int, begin: int, end: int) -> bool:
    """Whether a name with a dot follows the @, or a link with a password ends at it."""
    if at == begin or at + 1 >= end or data[at - 1] <= 32:
        return False
    i = at + 1
    stop = min(end, at + ADDRESS)
    while i < stop and (_is_word(data[i]) or data[i] in (45, 46) or data[i] >= 128):
        if data[i] == 46 and i > at + 1 and i + 1 < stop and (_is_letter(data[i + 1]) or data[i + 1] >= 128):
            return True
        i += 1
    if i == at + 1:
        return False
    i = at - 1
    stop = max(begin + 2, at - ADDRESS)
    while i >= stop and data[i] > 32 and data[i] != 64:
        if data[i] == 47 and data[i - 1] == 47 and data[i - 2] == 58:
            return True
        i -= 1
    return False


@jit
def _is_ipv4(data: Bytes, start: int, begin: int, end: int) -> bool:
    """Whether exactly four numbers up to 255 stand here."""
    if start > begin and data[start - 1] in (45, 46, 64):
        return False
    if start + 7 > end or not (data[start + 1] == 46 or data[start + 2] == 46 or data[start + 3] == 46):
        return False
    i = start
    for part in range(4):
        value = 0
        first = i
        while i < end and i < first + 4 and _is_digit(data[i]):
            value = value * 10 + data[i] - 48
            i += 1
        if i == first or i > first + 3 or value > 255:
            return False
        if part < 3:
            if i >= end or data[i] != 46:
                return False
            i += 1
    return not (i < end and (_is_word(data[i]) or data[i] == 45))


@jit
def _is_date(data: Bytes, start: int, end: int) -> bool:
    """Whether the form is that of 2018-05-10, 2018/05/10 or 2018.05.10."""
    if start + 10 > end or data[start + 4] not in (45, 46, 47) or data[start + 4] != data[start + 7]:
        return False
    for offset in (0, 1, 2, 3, 5, 6, 8, 9):
        if not _is_digit(data[start + offset]):
            return False
    century = (data[start] - 48) * 10 + data[start + 1] - 48
    return century in (19, 20) and not (start + 10 < end and _is_digit(data[start + 10]))


@jit
def _is_announced(data: Bytes, start: int, begin: int, words: Bytes) -> bool:
    """Whether a word that announces numbers may begin in the bytes before."""
    window = np.uint32(0)
    for i in range(start - 1, max(begin, start - CONTEXT) - 1, -1):
        byte = np.uint32(data[i])
        if 65 <= byte <= 90:
            byte |= np.uint32(32)
        window = np.uint32((window << np.uint32(8)) | byte)
        if words[np.uint32(window * _MULTIPLIER) >> _WORD_SHIFT]:
            return True
    return False


@jit
def _is_number(data: Bytes, start: int, begin: int, end: int, words: Bytes, forms: Bytes) -> bool:
    """Whether enough digits follow, and their form, a + or a word before them may tell what they are."""
    digits = group = gap = 0
    key = np.uint64(0)
    told = start > begin and data[start - 1] == 43
    i = start
    stop = min(end, start + REACH)
    while i <= stop:
        byte = data[i] if i < stop else np.uint8(0)
        if _is_digit(byte):
            digits += 1
            group += 1
            gap = 0
            i += 1
            continue
        if group > 0:
            key = (key << np.uint64(5)) | np.uint64(min(group, 31))
            if digits >= MIN_DIGITS and not told:
                folded = np.uint32((key ^ (key >> np.uint64(20))) & np.uint64(0xFFFFFFFF))
                told = forms[np.uint32(folded * _MULTIPLIER) >> _GROUP_SHIFT] != 0
            group = 0
        if byte == 0xC2 and i + 1 < stop and data[i + 1] == 0xA0:
            i += 1
        elif byte == 0xE2 and i + 2 < stop and data[i + 1] == 0x80 and data[i + 2] in (0xAF, 0x91):
            i += 2
        elif not (byte == 32 or (40 <= byte <= 47 and byte not in (42, 44))):
            break
        gap += 1
        if gap > 2:
            break
        i += 1
    if digits < MIN_DIGITS or _is_date(data, start, end):
        return False
    return told or _is_announced(data, start, begin, words)


@jit
def _lettered_start(data: Bytes, digit: int, begin: int, end: int) -> int:
    """Where an identifier of capitals and digits begins whose first digit is `digit`; -1 if there is none.

    One, two, four or six capitals and two digits or more, nine characters in all, as account numbers and
    identity cards have them.
    """
    last = digit
    if last > begin and data[last - 1] in (32, 45):
        last -= 1
    start = last
    while start > begin and last - start < 7 and 65 <= data[start - 1] <= 90:
        start -= 1
    letters = last - start
    if letters not in (1, 2, 4, 6) or (last < digit and letters > 2):
        return -1
    if start > begin and _is_word(data[start - 1]):
        return -1
    if digit + 1 >= end or not _is_digit(data[digit + 1]):
        return -1
    size = letters
    for i in range(digit, min(end, digit + REACH)):
        byte = data[i]
        if _is_digit(byte) or 65 <= byte <= 90:
            size += 1
        elif byte not in (32, 45):
            break
    return start if size >= 9 else -1


@jit
def _ipv6_start(data: Bytes, colon: int, begin: int, end: int) -> int:
    """Where the groups of hex digits around the colon begin if they may be an address; -1 if they are not."""
    start = colon
    while start > begin and colon - start < 5 and _is_hex(data[start - 1]):
        start -= 1
    if start == colon or colon - start > 4:
        return -1
    if start > begin and (_is_word(data[start - 1]) or data[start - 1] in (46, 58)):
        return -1
    colons = groups = 0
    shortened = False
    i = start
    stop = min(end, start + 48)
    while i < stop and (_is_hex(data[i]) or data[i] == 58):
        if data[i] == 58:
            colons += 1
            shortened = shortened or data[i - 1] == 58
        elif i == start or data[i - 1] == 58:
            groups += 1
        i += 1
    return start if groups >= 3 and (colons == 7 or (shortened and colons >= 2)) else -1


@jit
def _is_token(byte: Any) -> bool:
    return _is_word(byte) or byte in (45, 46)


@jit
def _token_start(data: Bytes, digit: int, begin: int, end: int, prefixes: Bytes) -> int:
    """Where the token around the digit begins if an issuer's prefix may stand there, else -1."""
    start = digit
    while start > begin and _is_token(data[start - 1]):
        start -= 1
    while data[start] in (45, 46, 95):
        start += 1
    if start + MIN_TOKEN > end or not prefixes[np.int64(data[start]) * 256 + data[start + 1]]:
        return -1
    for i in range(digit, start + MIN_TOKEN):
        if not _is_token(data[i]):
            return -1
    return start


@jit
def _is_named_value(data: Bytes, separator: int, begin: int, end: int) -> bool:
    """Whether a name that ends like those of secrets stands before, and a value with a digit behind."""
    i = separator - 1
    stop = max(begin, separator - 6)
    while i > stop and data[i] in (9, 32, 34, 39, 96):
        i -= 1
    if i - 1 < begin:
        return False
    last = data[i] | 32
    other = data[i - 1] | 32
    if last == 115 and i - 2 >= begin:  # plural
        last = other
        other = data[i - 2] | 32
    ends = (
        (last == 121 and other == 101)  # key
        or (last == 110 and other in (101, 111))  # token, authorization
        or (last == 116 and other in (101, 114))  # secret, passwort
        or (last == 100 and other in (114, 119, 115))  # password, passwd, pwd
        or (last == 101 and other == 115)  # passphrase
        or (last == 115 and other == 97)  # pass
        or (last == 97 and other in (104, 0xB1))  # senha, contraseña
    )
    if not ends:
        return False
    for j in range(separator + 1, min(end, separator + VALUE)):
        if data[j] == 10:
            return False
        if _is_digit(data[j]):
            return True
    return False


@jit
def _holds_sign(data: Bytes, start: int) -> bool:
    """Whether a byte of this block is a digit or one of `:;<=>?@`."""
    found = np.uint8(0)
    for k in range(BLOCK):
        found |= np.uint8(np.uint8(data[start + k] - np.uint8(48)) <= np.uint8(16))
    return found != 0


@jit
def _scan(
    data: Bytes,
    offsets: Offsets,
    wanted: Bytes,
    prefixes: Bytes,
    words: Bytes,
    forms: Bytes,
    document: int,
    position: int,
    out_document: Offsets,
    out_start: Offsets,
    out_family: Bytes,
) -> tuple[int, int, int]:
    """Fill the out arrays from byte `position` of `document` on: (number of places, where to go on)."""
    room = len(out_document) - 4
    count = 0
    for current in range(document, len(offsets) - 1):
        begin = offsets[current]
        end = offsets[current + 1]
        i = max(begin, position)
        token_end = begin
        while i < end:
            if count > room:
                return count, current, i
            if i + BLOCK <= end and not _holds_sign(data, i):
                i += BLOCK
                continue
            stop = min(end, i + BLOCK)
            while i < stop and count <= room:
                byte = data[i]
                if not 48 <= byte <= 64:
                    i += 1
                    continue
                first = count
                if byte < 58:
                    before = data[i - 1] if i > begin else np.uint8(32)
                    if not _is_word(before):
                        if wanted[IPV4] and _is_ipv4(data, i, begin, end):
                            out_start[count], out_family[count] = i, IPV4
                            count += 1
                        if wanted[NUMBER] and _is_number(data, i, begin, end, words, forms):
                            out_start[count], out_family[count] = i, NUMBER
                            count += 1
                    if wanted[LETTERED] and (65 <= before <= 90 or before in (32, 45)):
                        start = _lettered_start(data, i, begin, end)
                        if start >= 0:
                            out_start[count], out_family[count] = start, LETTERED
                            count += 1
                    if wanted[TOKEN] and i >= token_end and _is_token(before):
                        start = _token_start(data, i, begin, end, prefixes)
                        if start >= 0:
                            out_start[count], out_family[count] = start, TOKEN
                            count += 1
                        token_end = i + 1
                        while token_end < end and _is_token(data[token_end]):
                            token_end += 1
                elif byte == 64:
                    if wanted[AT] and _is_address(data, i, begin, end):
                        out_start[count], out_family[count] = i, AT
                        count += 1
                elif byte == 58 or byte == 61:
                    if wanted[NAMED] and _is_named_value(data, i, begin, end):
                        out_start[count], out_family[count] = i, NAMED
                        count += 1
                    if wanted[IPV6] and byte == 58:
                        start = _ipv6_start(data, i, begin, end)
                        if start >= 0:
                            out_start[count], out_family[count] = start, IPV6
                            count += 1
                out_document[first:count] = current
                i += 1
    return count, len(offsets) - 1, 0


@jit
def _characters(data: Bytes, begin: Any, end: Any) -> int:
    """Number of characters in these bytes of UTF-8."""
    total = 0
    for i in range(begin, end):
        total += (data[i] & 0xC0) != 0x80
    return total


@jit
def _to_characters(
    data: Bytes, offsets: Offsets, documents: Offsets, starts: Offsets, result: Offsets
) -> None:
    """Byte offsets in the buffer, ascending but for a few bytes, to character offsets in each document."""
    document = -1
    byte = characters = 0
    for index in range(len(starts)):
        if documents[index] != document:
            document = documents[index]
            byte = offsets[document]
            characters = 0
        start = starts[index]
        if start >= byte:
            characters += _characters(data, byte, start)
        else:
            characters -= _characters(data, start, byte)
        byte = start
        result[index] = characters


@dataclass(frozen=True)
class Hints:
    """Which places are wanted, and the tables of `headwater.curate.pii.hints` that tell them."""

    families: frozenset[int]
    prefixes: Bytes
    words: Bytes
    forms: Bytes


def candidates(column: pa.Array, hints: Hints) -> Iterator[tuple[list[int], list[int], list[int]]]:
    """Places in a string column: numbers of documents (ascending), character offsets, families.

    The lists come in pieces of bounded length; one place may come twice.
    """
    buffers = TextBuffers.of(column)
    wanted = np.zeros(FAMILIES, dtype=np.uint8)
    wanted[sorted(hints.families)] = 1
    tables = (wanted, hints.prefixes, hints.words, hints.forms)
    documents = np.empty(ROOM, dtype=np.int64)
    starts = np.empty(ROOM, dtype=np.int64)
    kinds = np.empty(ROOM, dtype=np.uint8)
    document, position = 0, 0
    while document < len(buffers):
        count, document, position = _scan(
            buffers.data, buffers.offsets, *tables, document, position, documents, starts, kinds
        )
        characters = np.empty(count, dtype=np.int64)
        _to_characters(buffers.data, buffers.offsets, documents[:count], starts[:count], characters)
        yield documents[:count].tolist(), characters.tolist(), kinds[:count].tolist()


def warm() -> None:
    """Compile the kernels."""
    tables = [np.ones(1 << bits, dtype=np.uint8) for bits in (16, 20, 16)]
    for table in tables:
        table.setflags(write=False)
    for _ in candidates(pa.array(["a@b.cc 8.8.8.8 +1 2"]), Hints(frozenset(range(FAMILIES)), *tables)):
        pass
