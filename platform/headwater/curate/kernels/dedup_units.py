"""Text as units (words, sentences, lines, paragraphs), hashes of runs of units, and their removal."""

from __future__ import annotations

from typing import Any

import numpy as np

from headwater.curate.kernels.buffers import Bytes, Offsets, jit
from headwater.curate.kernels.shingles import ALONE, Hashes, Letters, code_point, combine, word_hashes

Numbers = np.ndarray[Any, np.dtype[np.int32]]
Flags = np.ndarray[Any, np.dtype[np.uint8]]

WORD, SENTENCE, LINE, PARAGRAPH = range(4)
_NEWLINE, _SPACE = 10, 32
_LAST_MARK, _FIRST_WIDE = 0x3F, 0xE3
_ONE = np.uint64(1)
_SALT_FACTOR = np.uint64(0x6A09E667F3BCC909)
_SHIFT = np.uint64(31)


@jit
def _is_space(byte: int) -> bool:
    return byte == _SPACE or 9 <= byte <= 13


@jit
def _letter_at(data: Bytes, at: int, letters: Letters) -> tuple[int, int]:
    """The entry of the character at `at` in `letters`, and where the next character begins."""
    if data[at] < 0x80:
        return int(letters[data[at]]), at + 1
    point, after = code_point(data, at)
    return (int(letters[point]) if point < len(letters) else 0), after


@jit
def _word_end(data: Bytes, at: int, end: int, letters: Letters) -> int:
    """Where the word after the first one of `data[at:end]` begins."""
    inside = False
    while at < end:
        letter, after = _letter_at(data, at, letters)
        if letter:
            break
        at = after
    while at < end:
        letter, after = _letter_at(data, at, letters)
        if not letter or (letter & ALONE and inside):
            break
        at = after
        inside = True
        if letter & ALONE:
            break
    while at < end:
        letter, after = _letter_at(data, at, letters)
        if letter:
            break
        at = after
    return at


@jit
def _ends_sentence(data: Bytes, at: int, end: int) -> int:
    """Bytes of the mark at `at` that ends a sentence, 0 for any other character."""
    byte = data[at]
    if byte == 0x2E or byte == 0x21 or byte == 0x3F:
        return 1 if at + 1 == end or _is_space(data[at + 1]) else 0
    if byte == 0xE3 and data[at + 1] == 0x80 and data[at + 2] == 0x82:
        return 3
    if byte == 0xEF and data[at + 1] == 0xBC and (data[at + 2] == 0x81 or data[at + 2] == 0x9F):
        return 3
    return 0


@jit
def _after_space(data: Bytes, at: int, end: int) -> int:
    while at < end and _is_space(data[at]):
        at += 1
    return at


@jit
def _after_blank_lines(data: Bytes, at: int, end: int) -> int:
    """Where the first line that is not blank begins, `at` being the beginning of a line."""
    begin = at
    while at < end and _is_space(data[at]):
        if data[at] == _NEWLINE:
            begin = at + 1
        at += 1
    return end if at == end else begin


@jit
def _unit_end(data: Bytes, at: int, end: int, unit: int, letters: Letters) -> int:
    """One past the unit that begins at `at`, with the white space or marks that follow it."""
    if unit == WORD:
        return _word_end(data, at, end, letters)
    while at < end:
        # No byte between ends a sentence, and nearly all bytes are.
        if unit == SENTENCE and _LAST_MARK < data[at] < _FIRST_WIDE:
            at += 1
            continue
        if data[at] == _NEWLINE:
            after = _after_blank_lines(data, at + 1, end)
            if unit != PARAGRAPH or after > at + 1:
                return after
        if unit == SENTENCE:
            marked = _ends_sentence(data, at, end)
            if marked:
                return _after_space(data, at + marked, end)
        at += 1
    return end


@jit
def run_hashes(
    data: Bytes,
    offsets: Offsets,
    unit: int,
    span: int,
    min_words: int,
    letters: Letters,
    seed: np.uint64,
    salts: Hashes,
    begins: Offsets,
    runs: Hashes,
    ends: Offsets,
) -> int:
    """Units of each document and the hash of the run of `span` units that begins with each.

    The units of document `i` stand in `[ends[i]:ends[i + 1]]`; `begins` holds their first bytes, `runs` the
    hashes: 0 where fewer than `span` units are left or the run has fewer than `min_words` words. The return
    is the number of units. `begins` and `runs` need room for half as many units as bytes and one more for
    each document.
    """
    count = 0
    ends[0] = 0
    longest = 0
    for document in range(len(offsets) - 1):
        longest = max(longest, offsets[document + 1] - offsets[document])
    words = np.empty(longest // 2 + 2, dtype=np.uint64)
    counted = np.empty(longest + 1, dtype=np.int32)
    for document in range(len(offsets) - 1):
        first = count
        at = offsets[document]
        end = offsets[document + 1]
        while at < end:
            after = _unit_end(data, at, end, unit, letters)
            found = word_hashes(data, at, after, letters, seed, words, 0)
            combine(words, 0, found, found)
            begins[count] = at
            runs[count] = words[0] if found else np.uint64(0)
            counted[count - first] = found
            count += 1
            at = after
        ends[document + 1] = count
        full = count - first - span + 1
        if full > 0 and span > 1:
            combine(runs, first, count, span)
        total = 0
        for i in range(count - first):
            total += counted[i]
            start = i - span + 1
            if start >= 0:
                run = runs[first + start] ^ salts[document]
                run = (run ^ (run >> _SHIFT)) * _SALT_FACTOR
                runs[first + start] = (run | _ONE) if total >= min_words else np.uint64(0)
                total -= counted[start]
        runs[first + max(full, 0) : count] = 0
    return count


@jit
def find(wanted: np.uint64, hashes: Hashes, index: Offsets, shift: int) -> int:
    """Where `wanted` stands in the sorted `hashes`, or -1; `index` begins with each value of its upper bits.

    Those are the bits from `shift` on."""
    top = np.int64(wanted >> np.uint64(shift))
    for at in range(index[top], index[top + 1]):
        if hashes[at] == wanted:
            return at
    return -1


@jit
def note_checks(
    runs: Hashes,
    second: Hashes,
    ends: Offsets,
    numbers: Offsets,
    hashes: Hashes,
    index: Offsets,
    shift: int,
    first: Numbers,
    checks: Hashes,
) -> None:
    """Write to `checks` the second hash of the runs of the table whose first document is in `numbers`."""
    for document in range(len(numbers)):
        for at in range(ends[document], ends[document + 1]):
            place = find(runs[at], hashes, index, shift) if runs[at] else -1
            if place >= 0 and first[place] == numbers[document]:
                checks[place] = second[at]


@jit
def holds_repeated(
    runs: Hashes, ends: Offsets, hashes: Hashes, index: Offsets, shift: int, out: Flags
) -> None:
    """Mark in `out` the documents that have a run of the table."""
    for document in range(len(out)):
        out[document] = 0
        for at in range(ends[document], ends[document + 1]):
            if runs[at] and find(runs[at], hashes, index, shift) >= 0:
                out[document] = 1
                break


@jit
def _line_breaks(data: Bytes, begin: int, end: int) -> int:
    """Line breaks in the white space at the end, two at most: a blank line, however tall."""
    count = 0
    while end > begin and count < 2 and _is_space(data[end - 1]):
        end -= 1
        count += data[end] == _NEWLINE
    return count


@jit
def without_repeated(
    data: Bytes,
    offsets: Offsets,
    begins: Offsets,
    runs: Hashes,
    second: Hashes,
    ends: Offsets,
    span: int,
    numbers: Offsets,
    hashes: Hashes,
    index: Offsets,
    shift: int,
    first: Numbers,
    checks: Hashes,
    keep_first: bool,
    out: Bytes,
    out_offsets: Offsets,
) -> None:
    """Copy to `out` what is left of each document; where something went, without white space at the end.

    What stood in two lines or paragraphs stays apart when the text between them goes.
    """
    filled = 0
    out_offsets[0] = 0
    for document in range(len(numbers)):
        until = -1
        began = filled
        lost = False
        breaks = 0
        for at in range(ends[document], ends[document + 1]):
            place = find(runs[at], hashes, index, shift) if runs[at] else -1
            mine = place >= 0 and keep_first and first[place] == numbers[document]
            if place >= 0 and checks[place] == second[at] and not mine:
                until = at + span
            after = begins[at + 1] if at + 1 < ends[document + 1] else offsets[document + 1]
            if at < until:
                lost = True
                breaks = max(breaks, _line_breaks(data, begins[at], after))
                continue
            if filled > began:
                for _ in range(_line_breaks(out, began, filled), breaks):
                    out[filled] = _NEWLINE
                    filled += 1
            breaks = 0
            size = after - begins[at]
            out[filled : filled + size] = data[begins[at] : after]
            filled += size
        while lost and filled > began and _is_space(out[filled - 1]):
            filled -= 1
        out_offsets[document + 1] = filled


def warm() -> None:
    """Compile for the types that callers use."""
    import pyarrow as pa

    from headwater.curate.dedup.repeated import RemoveRepeated
    from headwater.curate.dedup.repeated_runs import check
    from headwater.curate.dedup.repeated_table import RepeatedTable

    settings = RemoveRepeated()
    batch = pa.RecordBatch.from_pydict({"text": ["a b c"], "source": ["s"]})
    hashes = settings.observe(batch).column("runs").flatten().to_numpy()
    numbers = np.zeros(1, dtype=np.int64)
    checks = np.zeros(len(hashes), dtype=np.uint64)
    table = RepeatedTable.of(hashes.copy(), np.zeros(len(hashes), dtype=np.int32), checks)
    check(settings, batch, numbers, table, checks)
    settings.apply(batch, numbers, table)
