"""Repeated paragraphs, and repeated runs of words."""

from __future__ import annotations

import numpy as np

from headwater.curate.kernels.blocks import BLOCK, copy_block, copy_bytes, load_8
from headwater.curate.kernels.buffers import Bytes, Offsets, TextBuffers, bare_jit, inlined
from headwater.curate.kernels.characters import (
    SPACE,
    Classes,
    Int,
    character_classes,
    class_at,
    count_characters,
    find_byte,
    frozen,
    skip_space,
    trim_space,
    width,
)
from headwater.curate.kernels.counters import Counters, Table
from headwater.curate.kernels.lines import count_newlines
from headwater.curate.kernels.tables import add, capacity, key, slot, table_size
from headwater.curate.kernels.words import (
    BASE,
    HALF,
    MIX,
    ONE,
    Counts,
    Flags,
    Hashes,
    Words,
    hash_bytes,
    split,
)

PARAGRAPH_COUNTS = ("paragraphs", "duplicate_paragraphs", "duplicate_paragraph_characters")
"""Columns of `paragraph_counters`. Two or more newlines separate paragraphs in the trimmed text, which has at
least one; a duplicate is a paragraph that stood before in the document."""
ANCHORS = (8, 16, 32)
"""Bytes that equal runs begin with alike, as far as they are that long."""
MOST_BUCKETS = 1 << 20
"""Buckets at most: so much fits in a cache."""
FIRST_TABLE = 1 << 17
"""Places of the table that a long document begins with: it may well have few runs that differ."""


@inlined
def hash_run(hashes: Hashes, begin: int, size: int) -> np.uint64:
    """A hash of the words from `begin` on, its upper bits the better ones."""
    value = hashes[begin]
    for word in range(begin + 1, begin + size):
        value = (value ^ (value >> HALF)) * MIX + hashes[word]
    return value


@inlined
def bucket_bits(items: Int) -> np.uint64:
    """Bits that number the buckets for so many items: four times as many, or MOST_BUCKETS."""
    bits, buckets = 4, 16
    while buckets < 4 * items and buckets < MOST_BUCKETS:
        bits, buckets = bits + 1, 2 * buckets
    return np.uint64(bits)


@bare_jit
def fill_buckets(hashes: Hashes, begin: int, runs: int, size: int, buckets: Counts, places: Counts) -> Int:
    """Count the runs of `size` words by buckets of their hashes; how many the fullest has."""
    bits = bucket_bits(runs)
    buckets[: np.int64(ONE << bits)] = 0
    most = 0
    for at in range(runs):
        place = np.int64(hash_run(hashes, begin + at, size) >> (np.uint64(64) - bits))
        places[at] = place
        buckets[place] += 1
        most = max(most, buckets[place])
    return most


@bare_jit
def top_run(
    hashes: Hashes,
    begin: int,
    runs: int,
    size: int,
    buckets: Counts,
    places: Counts,
    least: int,
    table: Hashes,
    mask: int,
    first: Counts,
    counts: Counts,
) -> tuple[Int, Int]:
    """How often the most frequent run stands there, and where it stands first; of equal ones the first.

    Only what is in buckets of at least so many is looked at. -1 when the table is too small.
    """
    table[: mask + 1] = 0
    free = (mask + 1) // 2
    best, earliest = 0, 0
    for at in range(runs):
        if buckets[places[at]] < least:
            continue
        wanted = key(hash_run(hashes, begin + at, size))
        place = slot(table, mask, wanted)
        if table[place] != wanted:
            if free == 0:
                return -1, 0
            free -= 1
            table[place] = wanted
            first[place], counts[place] = at, 0
        counts[place] += 1
        if counts[place] > best:
            best, earliest = counts[place], first[place]
        elif counts[place] == best and first[place] < earliest:
            earliest = first[place]
    return best, earliest


@bare_jit
def top_characters(
    hashes: Hashes,
    lengths: Counts,
    begin: int,
    runs: int,
    size: int,
    buckets: Counts,
    places: Counts,
    table: Hashes,
    first: Counts,
    counts: Counts,
) -> int:
    """Characters of all occurrences of the most frequent run of `size` words, one space between words.

    Of runs that are equally frequent the one counts that occurs first.
    """
    most = fill_buckets(hashes, begin, runs, size, buckets, places)
    best, earliest = 1, 0
    # What is most frequent is hardly ever in a bucket of many fewer than the fullest.
    least = max(2, most - most // 8 - 2)
    while most > 1:
        chosen = 0
        for at in range(runs):
            chosen += buckets[places[at]] >= least
        room = capacity(chosen)
        mask = min(room, FIRST_TABLE) - 1
        best, earliest = top_run(
            hashes, begin, runs, size, buckets, places, least, table, mask, first, counts
        )
        while best < 0:
            mask = min(room, 4 * (mask + 1)) - 1
            best, earliest = top_run(
                hashes, begin, runs, size, buckets, places, least, table, mask, first, counts
            )
        if best >= least or least == 2:
            break
        least = max(2, best)
    if best < 2:
        best, earliest = 1, 0
    characters = size - 1
    for word in range(begin + earliest, begin + earliest + size):
        characters += lengths[word]
    return best * characters


@inlined
def hash_anchor(joined: Bytes, at: Int, anchor: int) -> np.uint64:
    """A hash of ANCHORS[anchor] bytes."""
    value = load_8(joined, at) * BASE
    for place in range(8, 8 << anchor, 8):
        value = ((value ^ (value >> HALF)) + load_8(joined, at + place)) * MIX
    return value


@bare_jit
def mark_anchors(
    joined: Bytes, starts: Counts, count: int, buckets: Counts, places: Counts, alive: Counts, marks: Flags
) -> None:
    """Set bit `n` of each word's mark where the ANCHORS[n] bytes from it on may stand there again."""
    for word in range(count):
        alive[word], marks[word] = word, 0
    living = count
    for anchor in range(len(ANCHORS)):
        last = starts[count] - (8 << anchor)
        while living > 0 and starts[alive[living - 1]] > last:
            living -= 1
        bits = bucket_bits(living)
        buckets[: np.int64(ONE << bits)] = 0
        for number in range(living):
            value = hash_anchor(joined, np.int64(starts[alive[number]]), anchor)
            places[number] = np.int64(value >> (np.uint64(64) - bits))
            buckets[places[number]] += 1
        # What differs in fewer bytes differs in more.
        kept = 0
        for number in range(living):
            again = buckets[places[number]] > 1
            word = alive[number]
            marks[word] |= again << anchor
            alive[kept] = word
            kept += again
        living = kept


@bare_jit
def keep_marked(starts: Counts, marks: Flags, size: int, count: int, alive: Counts, living: int) -> Int:
    """Of the words in `alive` keep those where a run of `size` words may begin that stands there again."""
    kept = 0
    for number in range(living):
        word = alive[number]
        if word + size > count:
            break
        length = starts[word + size] - starts[word]
        anchor = 0 if length < 16 else 1 if length < 32 else 2
        alive[kept] = word
        kept += length < 8 or marks[word] >> anchor & 1
    return kept


@bare_jit
def duplicate_characters(
    joined: Bytes,
    starts: Counts,
    ends: Counts,
    size: int,
    alive: Counts,
    living: int,
    table: Hashes,
    mask: int,
) -> Int:
    """Characters of runs of `size` words that stood before; after such a run the search goes on behind it.

    Only the words in `alive` are looked at. -1 when the table is too small.
    """
    table[: mask + 1] = 0
    free = (mask + 1) // 2
    found, number = 0, 0
    while number < living:
        at = np.int64(alive[number])
        number += 1
        wanted = key(hash_bytes(joined, starts[at], starts[at + size]))
        place = slot(table, mask, wanted)
        if table[place] == wanted:
            found += ends[at + size] - ends[at]
            while number < living and alive[number] < at + size:
                number += 1
        else:
            if free == 0:
                return -1
            free -= 1
            table[place] = wanted
    return found


@bare_jit
def join_words(
    data: Bytes,
    at: Int,
    classes: Classes,
    sizes: Counts,
    begin: int,
    count: int,
    joined: Bytes,
    starts: Counts,
) -> None:
    """Write the words one after the other, and where each begins. A block may be written behind them."""
    to = 0
    for word in range(count):
        while class_at(data, at, classes) & SPACE:
            at += width(data[at])
        size = np.int64(sizes[begin + word])
        starts[word] = to
        if size <= BLOCK and at + BLOCK <= len(data):
            copy_block(data, at, joined, to)
        else:
            copy_bytes(data, at, joined, to, size)
        at += size
        to += size
    starts[count] = to


@bare_jit
def count_repetition(
    data: Bytes,
    texts: Offsets,
    classes: Classes,
    offsets: Offsets,
    hashes: Hashes,
    sizes: Counts,
    lengths: Counts,
    tops: Offsets,
    duplicates: Offsets,
    joined: Bytes,
    starts: Counts,
    ends: Counts,
    marks: Flags,
    alive: Counts,
    places: Counts,
    buckets: Counts,
    slots: Hashes,
    first: Counts,
    counts: Counts,
    table: Table,
) -> None:
    """Fill `table`: a column for each size of `tops`, then one for each of `duplicates`; both ascend.

    The rest is scratch: `joined` for the longest document and a block, `starts`, `ends`, `marks`, `alive` and
    `places` for one word more than the longest document has, the others for a table of its words.
    """
    for document in range(len(offsets) - 1):
        begin = offsets[document]
        count = offsets[document + 1] - begin
        for column in range(len(tops)):
            runs = count - tops[column] + 1
            if runs < 1:
                break
            table[document, column] = top_characters(
                hashes, lengths, begin, runs, tops[column], buckets, places, slots, first, counts
            )
        if len(duplicates) == 0 or duplicates[0] > count:
            continue
        join_words(data, texts[document], classes, sizes, begin, count, joined, starts)
        ends[0] = 0
        for word in range(count):
            ends[word + 1] = ends[word] + lengths[begin + word]
        mark_anchors(joined, starts, count, buckets, places, alive, marks)
        for word in range(count):
            alive[word] = word
        living = count
        for column in range(len(duplicates)):
            size = duplicates[column]
            # A longer run is marked by no fewer bytes.
            living = keep_marked(starts, marks, size, count, alive, living)
            room = capacity(living)
            mask, found = min(room, FIRST_TABLE) - 1, -1
            while found < 0:
                found = duplicate_characters(joined, starts, ends, size, alive, living, slots, mask)
                mask = min(room, 4 * (mask + 1)) - 1
            table[document, len(tops) + column] = found


def repetition(texts: TextBuffers, words: Words, tops: tuple[int, ...], duplicates: tuple[int, ...]) -> Table:
    """Characters in repeated runs of the words of texts, a row for each document.

    First a column for each size in `tops`: the characters of all occurrences of the most frequent run, spaces
    between its words included, overlapping or not. Then one for each size in `duplicates`: the characters of
    runs, read from the left and without overlap, that stood before. Runs whose characters are the same once
    joined count as the same. Both tuples ascend and have no size below 2.
    """
    most = int(np.max(np.diff(words.offsets), initial=0)) + 1
    room = table_size(most)
    table = np.zeros((len(words), len(tops) + len(duplicates)), dtype=np.int64)
    count_repetition(
        frozen(texts.data),
        frozen(texts.offsets),
        character_classes(),
        frozen(words.offsets),
        words.hashes,
        words.sizes,
        words.lengths,
        np.array(tops, dtype=np.int64),
        np.array(duplicates, dtype=np.int64),
        np.empty(int(texts.sizes.max(initial=0)) + BLOCK, dtype=np.uint8),
        np.empty(most, dtype=np.int32),
        np.empty(most, dtype=np.int32),
        np.empty(most, dtype=np.uint8),
        np.empty(most, dtype=np.int32),
        np.empty(most, dtype=np.int32),
        np.empty(MOST_BUCKETS, dtype=np.int32),
        np.empty(room, dtype=np.uint64),
        np.empty(room, dtype=np.int32),
        np.empty(room, dtype=np.int32),
        table,
    )
    return table


@bare_jit
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
            at = find_byte(data, at, end, 10)
            while at < end and data[at + 1] != 10:
                at = find_byte(data, at + 1, end, 10)
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
    newlines = count_newlines(texts)
    seen = np.empty(table_size(int(np.max(newlines, initial=0)) + 1), dtype=np.uint64)
    table = np.zeros((len(texts), len(PARAGRAPH_COUNTS)), dtype=np.int64)
    count_paragraphs(data, offsets, newlines, character_classes(), seen, table)
    return Counters(PARAGRAPH_COUNTS, table)


def warm() -> None:
    """Compile."""
    texts = TextBuffers(np.frombuffer(b"a b", dtype=np.uint8), np.array([0, 3]))
    paragraph_counters(texts)
    repetition(texts, split(texts), (2,), (5,))
