"""The lines of a text that C4 keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from headwater.curate.kernels.blocks import BLOCK, SPAN, SPAN_LOADED, copy_bytes, first_bit, masked_bits
from headwater.curate.kernels.buffers import Bytes, Offsets, TextBuffers, bare_jit, inlined
from headwater.curate.kernels.characters import (
    LETTER,
    SPACE,
    WORD,
    Classes,
    Int,
    character_classes,
    class_at,
    code_point,
    find_byte,
    frozen,
    skip_space,
    trim_space,
    width,
)
from headwater.curate.kernels.lines import may_end_line
from headwater.curate.kernels.words import GAP, LINE_START, PUNCTUATED, TERMINATOR, TRAIL, Flags, Words

Table = np.ndarray[Any, np.dtype[np.int64]]

LINE_OUTCOMES = ("kept", "long_word", "no_terminal", "few_words", "script", "policy")
"""Columns of `CleanLines.outcomes`: lines by what became of them."""
KEPT, LONG_WORD, NO_TERMINAL, FEW_WORDS, SCRIPT, POLICY = range(len(LINE_OUTCOMES))
PLACEHOLDER = len(LINE_OUTCOMES)
"""Kind of the phrases that refuse a document, besides SCRIPT and POLICY, which drop a line."""
BRACKET = PLACEHOLDER + 1
ANY_LENGTH = 1 << 62

KELVIN = np.frombuffer("\u212a".encode(), dtype=np.uint8)
"""The one character beyond ASCII whose small form is an ASCII letter, and that alone: k."""
_CITATIONS = (b"[edit]", b"[citation needed]")


@dataclass(frozen=True)
class Phrases:
    """Small-letter phrases to look for, letter case ignored.

    `kinds` says of each what it does. `signs` has four bytes for each way in which one may begin: the bits of
    the first byte that matter and what they are, the same of the second; `numbers` says whose they are.
    """

    data: Bytes
    offsets: Offsets
    kinds: Offsets
    signs: Bytes
    numbers: Offsets

    @classmethod
    def of(cls, kinds: dict[int, tuple[str, ...]]) -> Phrases:
        """The phrases of each kind."""
        listed = [(kind, phrase.encode()) for kind, phrases in kinds.items() for phrase in phrases]
        signs = [(number, *sign) for number, (_, phrase) in enumerate(listed) for sign in _signs(phrase)]
        return cls(
            np.frombuffer(b"".join(phrase for _, phrase in listed) or b"\0", dtype=np.uint8),
            np.cumsum([0, *(len(phrase) for _, phrase in listed)], dtype=np.int64),
            np.array([kind for kind, _ in listed], dtype=np.int64),
            np.array([sign[1:] for sign in signs], dtype=np.uint8).reshape(-1, 4),
            np.array([sign[0] for sign in signs], dtype=np.int64),
        )


def _signs(phrase: bytes) -> list[tuple[int, int, int, int]]:
    """How the phrase may begin: mask and value of its first byte and of its second."""
    if phrase[:1] == b"k":
        return [(*one, 0, 0) for one in _ways(phrase[0])]
    second = _ways(phrase[1]) if len(phrase) > 1 else [(0, 0)]
    return [(*first, *then) for first in _ways(phrase[0]) for then in second]


def _ways(letter: int) -> list[tuple[int, int]]:
    """What a byte may be that begins this letter: both cases, and for k a third way."""
    own = [(0xDF, letter & 0xDF) if 97 <= letter <= 122 else (0xFF, letter)]
    return [*own, (0xFF, int(KELVIN[0]))] if letter == ord("k") else own


@dataclass(frozen=True)
class CleanLines:
    """The kept lines of each document, joined by `\\n`, and LINE_OUTCOMES.

    `refused` is PLACEHOLDER or BRACKET where such a line refuses the document, else 0; the count stops there.
    """

    texts: TextBuffers
    outcomes: Table
    refused: Offsets


@bare_jit
def stands_at(data: Bytes, at: int, end: int, phrase: Bytes) -> bool:
    """Whether `phrase` begins at `at`, letter case ignored."""
    for place in range(len(phrase)):
        if at >= end:
            return False
        byte = data[at]
        if 65 <= byte <= 90:
            byte |= 32
        if byte == phrase[place]:
            at += 1
        elif phrase[place] == 107 and at + 2 < end and code_point(data, at) == 0x212A:
            at += 3
        else:
            return False
    return True


@bare_jit
def find_kinds(
    data: Bytes,
    begin: int,
    end: int,
    phrases: Bytes,
    offsets: Offsets,
    kinds: Offsets,
    signs: Bytes,
    numbers: Offsets,
) -> Int:
    """Bits of the kinds of phrases that occur. `data` goes on for more than a block behind `end`."""
    found = 0
    for row in range(len(numbers)):
        mask, value, next_mask, next_value = signs[row, 0], signs[row, 1], signs[row, 2], signs[row, 3]
        for at in range(begin, end, BLOCK):
            bits = masked_bits(data, at, mask, value) & masked_bits(data, at + 1, next_mask, next_value)
            while bits:
                number = numbers[row]
                phrase = phrases[offsets[number] : offsets[number + 1]]
                if stands_at(data, at + first_bit(bits), end, phrase):
                    found |= 1 << kinds[number]
                bits &= bits - 1
    return found


@bare_jit
def has_long_word(data: Bytes, begin: int, end: int, most: int, classes: Classes) -> bool:
    """Whether more than `most` characters stand there without white space."""
    at, length = begin, 0
    while at < end:
        length = 0 if class_at(data, at, classes) & SPACE else length + 1
        if length > most:
            return True
        at += width(data[at])
    return False


@bare_jit
def has_words(data: Bytes, begin: int, end: int, least: int, classes: Classes) -> bool:
    """Whether white space separates at least `least` words."""
    at, count, inside = begin, 0, False
    while at < end and count < least:
        space = class_at(data, at, classes) & SPACE != 0
        count += inside == space and not space
        inside = not space
        at += width(data[at])
    return count >= least


@bare_jit
def citation_end(data: Bytes, at: int, end: int, classes: Classes, fixed: Bytes, bounds: Offsets) -> int:
    """Where the citation ends that begins with the `[` at `at`, such as `[12]` or `[edit]`; `at` for none."""
    stop = at + 1
    while stop < end:
        kind = class_at(data, stop, classes)
        if not kind & WORD or kind & LETTER or data[stop] == 95:
            break
        stop += width(data[stop])
    if stop < end and data[stop] == 93:
        return stop + 1
    for number in range(len(bounds) - 1):
        size = bounds[number + 1] - bounds[number]
        if at + size <= end:
            same = True
            for place in range(size):
                same = same and data[at + place] == fixed[bounds[number] + place]
            if same:
                return at + size
    return at


@bare_jit
def copy_line(
    data: Bytes,
    begin: int,
    end: int,
    classes: Classes,
    citations: bool,
    fixed: Bytes,
    bounds: Offsets,
    out: Bytes,
    to: int,
) -> int:
    """Write the line, on demand without its citations, to `out` from `to` on; where it ends there."""
    at = begin
    bracket = find_byte(data, begin, end, 91) if citations else end
    while bracket < end:
        stop = citation_end(data, bracket, end, classes, fixed, bounds)
        if stop > bracket:
            copy_bytes(data, at, out, to, bracket - at)
            to += bracket - at
            at = stop
        bracket = find_byte(data, max(stop, bracket + 1), end, 91)
    copy_bytes(data, at, out, to, end - at)
    return to + end - at


@inlined
def ends_sentence(data: Bytes, begin: int, end: int) -> bool:
    """Whether the line ends with one of . ? ! " ' and not with three full stops."""
    if end == begin or data[end - 1] not in (46, 63, 33, 34, 39):
        return False
    return not (end - begin > 2 and data[end - 1] == 46 and data[end - 2] == 46 and data[end - 3] == 46)


@inlined
def break_end(data: Bytes, at: int, end: int) -> int:
    """Where the line break of `str.splitlines` at `at` ends; `at` when none stands there."""
    byte = data[at]
    if byte == 13:
        return at + 2 if at + 1 < end and data[at + 1] == 10 else at + 1
    if byte == 10 or byte == 11 or byte == 12 or byte == 28 or byte == 29 or byte == 30:
        return at + 1
    if byte == 0xC2 and data[at + 1] == 0x85:
        return at + 2
    if byte == 0xE2 and data[at + 1] == 0x80 and (data[at + 2] == 0xA8 or data[at + 2] == 0xA9):
        return at + 3
    return at


@bare_jit
def keep_lines(
    data: Bytes,
    offsets: Offsets,
    classes: Classes,
    citations: bool,
    fixed: Bytes,
    bounds: Offsets,
    terminal: bool,
    min_words: int,
    max_word: int,
    phrases: Bytes,
    phrase_offsets: Offsets,
    kinds: Offsets,
    signs: Bytes,
    numbers: Offsets,
    tail: Bytes,
    out: Bytes,
    out_offsets: Offsets,
    outcomes: Table,
    refused: Offsets,
) -> None:
    """Fill `out`, `out_offsets`, `outcomes` and `refused`; `tail` is scratch of SPAN_LOADED bytes."""
    to = 0
    for document in range(len(offsets) - 1):
        out_offsets[document] = first = to
        at, end = offsets[document], offsets[document + 1]
        # Bytes of a block that may end a line, those not yet looked at, and where the next block begins.
        looks, block, after = 0, at, at
        while at < end and not refused[document]:
            begin, line_end, stop = at, end, end
            while looks or after < end:
                if looks == 0:
                    block, after = after, min(after + SPAN, end)
                    if block + SPAN_LOADED <= len(data):
                        looks = may_end_line(data, block)
                    else:
                        copy_bytes(data, block, tail, 0, end - block)
                        looks = may_end_line(tail, 0)
                    looks &= (1 << (after - block)) - 1
                    continue
                place = block + first_bit(looks)
                looks &= looks - 1
                behind = break_end(data, place, end)
                if behind > place and place >= begin:
                    line_end, stop = place, behind
                    break
            at = stop
            begin = skip_space(data, begin, line_end, classes)
            line_end = trim_space(data, begin, line_end, classes)
            row = outcomes[document]
            if line_end - begin > max_word and has_long_word(data, begin, line_end, max_word, classes):
                row[LONG_WORD] += 1
                continue
            if terminal and (
                begin == line_end
                or (data[line_end - 1] != 93 and not ends_sentence(data, line_end - 1, line_end))
            ):
                row[NO_TERMINAL] += 1
                continue
            line = to + (1 if row[KEPT] else 0)
            stop = copy_line(data, begin, line_end, classes, citations, fixed, bounds, out, line)
            if terminal and not ends_sentence(out, line, stop):
                row[NO_TERMINAL] += 1
                continue
            if not has_words(data, begin, line_end, min_words, classes):
                row[FEW_WORDS] += 1
                continue
            found = find_kinds(out, line, stop, phrases, phrase_offsets, kinds, signs, numbers)
            if found >> PLACEHOLDER & 1:
                refused[document] = PLACEHOLDER
            elif found >> SCRIPT & 1:
                row[SCRIPT] += 1
            elif found >> BRACKET & 1:
                refused[document] = BRACKET
            elif found >> POLICY & 1:
                row[POLICY] += 1
            else:
                if line > to:
                    out[to] = 10
                row[KEPT] += 1
                to = stop
        if refused[document]:
            to = first
    out_offsets[len(offsets) - 1] = to


@bare_jit
def trim_documents(data: Bytes, offsets: Offsets, classes: Classes, out: Bytes, out_offsets: Offsets) -> None:
    """Copy each document without the white space at its ends."""
    to = 0
    for document in range(len(offsets) - 1):
        out_offsets[document] = to
        begin = skip_space(data, offsets[document], offsets[document + 1], classes)
        end = trim_space(data, begin, offsets[document + 1], classes)
        copy_bytes(data, begin, out, to, end - begin)
        to += end - begin
    out_offsets[len(offsets) - 1] = to


@bare_jit
def count_sentences(offsets: Offsets, flags: Flags, found: Offsets) -> None:
    """Fill `found` with the sentences of each document that begin in the middle of a line.

    After a mark that ends a sentence, what is no punctuation begins the next one.
    """
    for document in range(len(offsets) - 1):
        count, ended, trails = 0, False, False
        for word in range(offsets[document], offsets[document + 1]):
            flag = flags[word]
            if flag & LINE_START:
                count += 1 if ended and trails else 0
                ended = False
            if ended and (flag & GAP or not flag & (PUNCTUATED | TERMINATOR)):
                count += 1
                ended = False
            if flag & TERMINATOR:
                ended = True
            trails = (flag & TRAIL) != 0
        found[document] = count + (1 if ended and trails else 0)


def clean_lines(
    texts: TextBuffers,
    phrases: Phrases,
    *,
    citations: bool,
    terminal: bool,
    min_words: int | None,
    max_word: int | None,
) -> CleanLines:
    """Drop the lines of each document that C4 drops; see the step's definition."""
    size = int(texts.offsets[-1] - texts.offsets[0])
    out, offsets = np.empty(size + BLOCK + 2, dtype=np.uint8), np.empty(len(texts) + 1, dtype=np.int64)
    outcomes = np.zeros((len(texts), len(LINE_OUTCOMES)), dtype=np.int64)
    refused = np.zeros(len(texts), dtype=np.int64)
    keep_lines(
        frozen(texts.data),
        frozen(texts.offsets),
        character_classes(),
        citations,
        np.frombuffer(b"".join(_CITATIONS), dtype=np.uint8),
        np.cumsum([0, *(len(one) for one in _CITATIONS)], dtype=np.int64),
        terminal,
        0 if min_words is None else min_words,
        ANY_LENGTH if max_word is None else max_word,
        phrases.data,
        phrases.offsets,
        phrases.kinds,
        phrases.signs,
        phrases.numbers,
        np.empty(SPAN_LOADED, dtype=np.uint8),
        out,
        offsets,
        outcomes,
        refused,
    )
    return CleanLines(TextBuffers(frozen(out[: offsets[-1]]), frozen(offsets)), outcomes, refused)


def trimmed(texts: TextBuffers) -> TextBuffers:
    """The texts without white space at their ends."""
    out, offsets = np.empty(len(texts.data), dtype=np.uint8), np.empty(len(texts) + 1, dtype=np.int64)
    trim_documents(frozen(texts.data), frozen(texts.offsets), character_classes(), out, offsets)
    return TextBuffers(out[: offsets[-1]], offsets)


def sentences(words: Words, lines: Offsets) -> Offsets:
    """Sentences of each document of so many lines, each of which begins one, also a line without words."""
    found = np.zeros(len(words), dtype=np.int64)
    count_sentences(frozen(words.offsets), words.flags, found)
    return found + lines


def warm() -> None:
    """Compile."""
    from headwater.curate.kernels.words import split

    texts = TextBuffers(np.frombuffer(b"A b c.", dtype=np.uint8), np.array([0, 6]))
    phrases = Phrases.of({PLACEHOLDER: ("lorem ipsum",)})
    clean = clean_lines(texts, phrases, citations=True, terminal=True, min_words=3, max_word=1000)
    trimmed(clean.texts)
    sentences(split(clean.texts), clean.outcomes[:, KEPT])
