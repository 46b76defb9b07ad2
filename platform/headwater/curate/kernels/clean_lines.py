"""The lines of a text that C4 keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from headwater.curate.kernels.buffers import Bytes, Offsets, TextBuffers, jit
from headwater.curate.kernels.characters import (
    LETTER,
    SPACE,
    WORD,
    Classes,
    character_classes,
    class_at,
    code_point,
    frozen,
    skip_space,
    trim_space,
    width,
)
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

    `kinds` says of each what it does; `starts` has for each byte the bits of the phrases that begin with it.
    """

    data: Bytes
    offsets: Offsets
    kinds: Offsets
    starts: np.ndarray[Any, np.dtype[np.uint64]]

    @classmethod
    def of(cls, kinds: dict[int, tuple[str, ...]]) -> Phrases:
        """Raises `ValueError` when there are more than 64."""
        listed = [(kind, phrase.encode()) for kind, phrases in kinds.items() for phrase in phrases]
        if len(listed) > 64:
            raise ValueError(f"at most 64 phrases can be looked for, not {len(listed)}")
        starts = np.zeros(256, dtype=np.uint64)
        for number, (_, phrase) in enumerate(listed):
            for letter in {phrase[0], ord(chr(phrase[0]).upper()) if phrase[0] < 0x80 else phrase[0]}:
                starts[letter] |= np.uint64(1) << np.uint64(number)
            if phrase[:1] == b"k":
                starts[KELVIN[0]] |= np.uint64(1) << np.uint64(number)
        return cls(
            np.frombuffer(b"".join(phrase for _, phrase in listed) or b"\0", dtype=np.uint8),
            np.cumsum([0, *(len(phrase) for _, phrase in listed)], dtype=np.int64),
            np.array([kind for kind, _ in listed], dtype=np.int64),
            starts,
        )


@dataclass(frozen=True)
class CleanLines:
    """The kept lines of each document, joined by `\\n`, and LINE_OUTCOMES.

    `refused` is PLACEHOLDER or BRACKET where such a line refuses the document, else 0; the count stops there.
    """

    texts: TextBuffers
    outcomes: Table
    refused: Offsets


@jit
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


@jit
def find_kinds(
    data: Bytes, begin: int, end: int, phrases: Bytes, offsets: Offsets, kinds: Offsets, starts: Any
) -> int:
    """Bits of the kinds of phrases that occur, and of BRACKET."""
    found = 0
    for at in range(begin, end):
        byte = data[at]
        if byte == 123:
            found |= 1 << BRACKET
        if starts[byte]:
            for number in range(len(kinds)):
                if not found >> kinds[number] & 1 and stands_at(
                    data, at, end, phrases[offsets[number] : offsets[number + 1]]
                ):
                    found |= 1 << kinds[number]
    return found


@jit
def measure_words(data: Bytes, begin: int, end: int, classes: Classes) -> tuple[int, int]:
    """Number of words that white space separates, and the characters of the longest."""
    count = longest = length = 0
    at = begin
    while at < end:
        if class_at(data, at, classes) & SPACE:
            length = 0
        else:
            count += length == 0
            length += 1
            longest = max(longest, length)
        at += width(data[at])
    return count, longest


@jit
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


@jit
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
    while at < end:
        if citations and data[at] == 91:
            stop = citation_end(data, at, end, classes, fixed, bounds)
            if stop > at:
                at = stop
                continue
        out[to] = data[at]
        to += 1
        at += 1
    return to


@jit
def ends_sentence(data: Bytes, begin: int, end: int) -> bool:
    """Whether the line ends with one of . ? ! " ' and not with three full stops."""
    if end == begin or data[end - 1] not in (46, 63, 33, 34, 39):
        return False
    return not (end - begin > 2 and data[end - 1] == 46 and data[end - 2] == 46 and data[end - 3] == 46)


@jit
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


@jit
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
    starts: Any,
    brackets: bool,
    out: Bytes,
    out_offsets: Offsets,
    outcomes: Table,
    refused: Offsets,
) -> None:
    """Fill `out`, `out_offsets`, `outcomes` and `refused`."""
    to = 0
    for document in range(len(offsets) - 1):
        out_offsets[document] = first = to
        at, end = offsets[document], offsets[document + 1]
        while at < end and not refused[document]:
            begin = at
            stop = at
            while at < end:
                if data[at] < 32 or data[at] == 0xC2 or data[at] == 0xE2:
                    stop = break_end(data, at, end)
                    if stop > at:
                        break
                at += 1
            line_end, at = at, max(stop, at)
            begin = skip_space(data, begin, line_end, classes)
            line_end = trim_space(data, begin, line_end, classes)
            row = outcomes[document]
            words, longest = 0, 0
            if line_end - begin > max_word:
                words, longest = measure_words(data, begin, line_end, classes)
                if longest > max_word:
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
            if longest == 0:
                words, longest = measure_words(data, begin, line_end, classes)
            if words < min_words:
                row[FEW_WORDS] += 1
                continue
            found = find_kinds(out, line, stop, phrases, phrase_offsets, kinds, starts)
            if found >> PLACEHOLDER & 1:
                refused[document] = PLACEHOLDER
            elif found >> SCRIPT & 1:
                row[SCRIPT] += 1
            elif brackets and found >> BRACKET & 1:
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


@jit
def trim_documents(data: Bytes, offsets: Offsets, classes: Classes, out: Bytes, out_offsets: Offsets) -> None:
    """Copy each document without the white space at its ends."""
    to = 0
    for document in range(len(offsets) - 1):
        out_offsets[document] = to
        begin = skip_space(data, offsets[document], offsets[document + 1], classes)
        end = trim_space(data, begin, offsets[document + 1], classes)
        out[to : to + end - begin] = data[begin:end]
        to += end - begin
    out_offsets[len(offsets) - 1] = to


@jit
def count_sentences(offsets: Offsets, flags: Flags, found: Offsets) -> None:
    """Fill `found` with the sentences of each document whose lines have these words.

    A line begins a sentence; so does, after a mark that ends one, what is no punctuation.
    """
    for document in range(len(offsets) - 1):
        count, ended, trails = 0, False, False
        for word in range(offsets[document], offsets[document + 1]):
            flag = flags[word]
            if flag & LINE_START:
                count += 2 if ended and trails else 1
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
    brackets: bool,
) -> CleanLines:
    """Drop the lines of each document that C4 drops; see the step's definition."""
    size = int(texts.offsets[-1] - texts.offsets[0])
    out, offsets = np.empty(size + 1, dtype=np.uint8), np.empty(len(texts) + 1, dtype=np.int64)
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
        phrases.starts,
        brackets,
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
    """Sentences of each document, whose `lines` count; a line without words counts as one."""
    found = np.zeros(len(words), dtype=np.int64)
    count_sentences(frozen(words.offsets), words.flags, found)
    starts = np.concatenate([[0], np.cumsum(words.flags & LINE_START != 0)])[words.offsets]
    return found + lines - np.diff(starts)


def warm() -> None:
    """Compile."""
    from headwater.curate.kernels.words import split

    texts = TextBuffers(np.frombuffer(b"A b c.", dtype=np.uint8), np.array([0, 6]))
    phrases = Phrases.of({PLACEHOLDER: ("lorem ipsum",)})
    clean = clean_lines(
        texts, phrases, citations=True, terminal=True, min_words=3, max_word=1000, brackets=True
    )
    trimmed(clean.texts)
    sentences(split(clean.texts), clean.outcomes[:, KEPT])
