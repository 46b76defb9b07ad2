"""Repeated paragraphs, and repeated runs of words."""

from __future__ import annotations

import numpy as np

from headwater.curate.kernels.buffers import Bytes, Offsets, TextBuffers, jit
from headwater.curate.kernels.characters import (
    Classes,
    Int,
    character_classes,
    count_characters,
    frozen,
    skip_space,
    trim_space,
)
from headwater.curate.kernels.counters import Counters, Table
from headwater.curate.kernels.lines import count_newlines
from headwater.curate.kernels.tables import MIX, add, capacity, key, slot
from headwater.curate.kernels.words import BASE, ONE, Counts, Hashes, Words, hash_bytes, split

PARAGRAPH_COUNTS = ("paragraphs", "duplicate_paragraphs", "duplicate_paragraph_characters")
"""Columns of `paragraph_counters`. Two or more newlines separate paragraphs in the trimmed text, which has at
least one; a duplicate is a paragraph that stood before in the document."""
# BASE * INVERSE == 1 modulo 2 ** 64.
INVERSE = np.uint64(pow(int(BASE), -1, 2**64))


@jit
def power(base: np.uint64, exponent: Int) -> np.uint64:
    """`base ** exponent` modulo 2 ** 64."""
    result = ONE
    while exponent > 0:
        if exponent & 1:
            result *= base
        base *= base
        exponent >>= 1
    return result


@jit
def top_characters(
    keys: Hashes,
    lengths: Offsets,
    runs: int,
    size: int,
    mask: int,
    table: Hashes,
    first: Offsets,
    counts: Counts,
) -> int:
    """Characters of all occurrences of the most frequent run of `size` words, one space between words.

    Of runs that are equally frequent the one counts that occurs first.
    """
    best, earliest = 0, 0
    for at in range(runs):
        wanted = keys[at]
        place = slot(table, mask, wanted)
        if table[place] == wanted:
            counts[place] += 1
        else:
            table[place] = wanted
            first[place] = at
            counts[place] = 1
        if counts[place] > best:
            best, earliest = counts[place], first[place]
        elif counts[place] == best and first[place] < earliest:
            earliest = first[place]
    return best * (lengths[earliest + size] - lengths[earliest] + size - 1)


@jit
def duplicate_characters(
    sums: Hashes, powers: Hashes, lengths: Offsets, count: int, size: int, mask: int, table: Hashes
) -> int:
    """Characters of runs of `size` words that stood before; after such a run the search goes on behind it."""
    at, found = 0, 0
    while at + size <= count:
        wanted = key((sums[at + size] - sums[at]) * powers[at + size])
        place = slot(table, mask, wanted)
        if table[place] == wanted:
            found += lengths[at + size] - lengths[at]
            at += size
        else:
            table[place] = wanted
            at += 1
    return found


@jit
def count_repetition(
    offsets: Offsets,
    hashes: Hashes,
    sizes: Counts,
    lengths: Counts,
    tops: Offsets,
    duplicates: Offsets,
    keys: Hashes,
    sums: Hashes,
    powers: Hashes,
    ends: Offsets,
    slots: Hashes,
    first: Offsets,
    counts: Counts,
    table: Table,
) -> None:
    """Fill `table`: a column for each size of `tops`, then one for each of `duplicates`; both ascend.

    The rest is scratch: `keys`, `sums`, `powers` and `ends` for one word more than the longest document has,
    the others for the table of its words.
    """
    for document in range(len(offsets) - 1):
        begin = offsets[document]
        count = offsets[document + 1] - begin
        mask = capacity(count) - 1
        for word in range(count):
            keys[word] = hashes[begin + word]
        size = 1
        sums[0], powers[0], ends[0] = np.uint64(0), ONE, 0
        inverse = ONE
        for word in range(count):
            bytes_ = sizes[begin + word]
            powers[word + 1] = powers[word] * power(BASE, bytes_)
            inverse *= power(INVERSE, bytes_)
            sums[word + 1] = sums[word] + hashes[begin + word] * inverse
            ends[word + 1] = ends[word] + lengths[begin + word]
        for column in range(len(tops)):
            runs = count - tops[column] + 1
            if runs < 1:
                break
            while size < tops[column]:
                for at in range(count - size):
                    keys[at] = key(keys[at] * MIX + hashes[begin + at + size])
                size += 1
            slots[: mask + 1] = 0
            table[document, column] = top_characters(keys, ends, runs, size, mask, slots, first, counts)
        for column in range(len(duplicates)):
            if duplicates[column] > count:
                break
            slots[: mask + 1] = 0
            table[document, len(tops) + column] = duplicate_characters(
                sums, powers, ends, count, duplicates[column], mask, slots
            )


def repetition(words: Words, tops: tuple[int, ...], duplicates: tuple[int, ...]) -> Table:
    """Characters in repeated runs of words, a row for each document.

    First a column for each size in `tops`: the characters of all occurrences of the most frequent run, spaces
    between its words included, overlapping or not. Then one for each size in `duplicates`: the characters of
    runs, read from the left and without overlap, that stood before. Runs whose characters are the same once
    joined count as the same. Both tuples ascend and have no size below 2.
    """
    most = int(np.max(np.diff(words.offsets), initial=0)) + 1
    room = capacity(most)
    table = np.zeros((len(words), len(tops) + len(duplicates)), dtype=np.int64)
    count_repetition(
        frozen(words.offsets),
        words.hashes,
        words.sizes,
        words.lengths,
        np.array(tops, dtype=np.int64),
        np.array(duplicates, dtype=np.int64),
        np.empty(most, dtype=np.uint64),
        np.empty(most, dtype=np.uint64),
        np.empty(most, dtype=np.uint64),
        np.empty(most, dtype=np.int64),
        np.empty(room, dtype=np.uint64),
        np.empty(room, dtype=np.int64),
        np.empty(room, dtype=np.int32),
        table,
    )
    return table


@jit
def count_paragraphs(
    data: Bytes, offsets: Offsets, newlines: Offsets, classes: Classes, seen: Hashes, table: Table
) -> None:
    """Fill `table` with PARAGRAPH_COUNTS; `seen` is scratch for twice the lines that a document may have."""
    for document in range(len(offsets) - 1):
        begin = skip_space(data, offsets[document], offsets[document + 1], classes)
        end = trim_space(data, begin, offsets[document + 1], classes)
        mask = capacity(newlines[document] + 1) - 1
        seen[: mask + 1] = 0
        paragraph, at = begin, begin
        while paragraph <= end:
            while at < end and not (data[at] == 10 and data[at + 1] == 10):
                at += 1
            table[document, 0] += 1
            if not add(seen, mask, hash_bytes(data, paragraph, at)):
                table[document, 1] += 1
                table[document, 2] += count_characters(data, paragraph, at)
            if at == end:
                break
            while data[at] == 10:
                at += 1
            paragraph = at


def paragraph_counters(texts: TextBuffers) -> Counters:
    """PARAGRAPH_COUNTS of every document."""
    data, offsets = frozen(texts.data), frozen(texts.offsets)
    newlines = count_newlines(data, offsets)
    seen = np.empty(capacity(int(np.max(newlines, initial=0)) + 1), dtype=np.uint64)
    table = np.zeros((len(texts), len(PARAGRAPH_COUNTS)), dtype=np.int64)
    count_paragraphs(data, offsets, newlines, character_classes(), seen, table)
    return Counters(PARAGRAPH_COUNTS, table)


def warm() -> None:
    """Compile."""
    texts = TextBuffers(np.frombuffer(b"a b", dtype=np.uint8), np.array([0, 3]))
    paragraph_counters(texts)
    repetition(split(texts), (2,), (5,))
