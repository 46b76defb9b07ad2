"""Pairs of documents that may be duplicates: band keys, what to compare, exact similarity, clusters.

Documents are numbers below 2³¹ here; a pair is `left << 32 | right` with left < right, which is never 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from headwater.curate.kernels.buffers import Offsets, jit

Keys = np.ndarray[Any, np.dtype[np.uint64]]
Signatures = np.ndarray[Any, np.dtype[np.uint32]]
Numbers = np.ndarray[Any, np.dtype[np.int32]]
Flags = np.ndarray[Any, np.dtype[np.uint8]]
Values = np.ndarray[Any, np.dtype[np.float64]]

_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)
_HALF = np.uint64(32)


@jit
def band_keys(signatures: Signatures, distinct: Keys, rows: int, out: Keys) -> None:
    """Write the hash of each band of `rows` values and of `distinct`: shape (bands, documents)."""
    for document in range(len(signatures)):
        for band in range(len(out)):
            key = distinct[document]
            for column in range(band * rows, (band + 1) * rows):
                key = (key ^ np.uint64(signatures[document, column])) * _FACTOR
                key ^= key >> _SHIFT
            out[band, document] = key


@jit
def root(parents: Numbers, number: int) -> int:
    """The representative of the cluster of `number`; shortens the path to it."""
    while parents[number] != number:
        parents[number] = parents[parents[number]]
        number = parents[number]
    return number


@jit
def agreement(left: Signatures, right: Signatures) -> int:
    """In how many places two signatures are equal."""
    count = 0
    for column in range(len(left)):
        count += left[column] == right[column]
    return count


@jit
def jaccard(left: Keys, right: Keys) -> float:
    """Size of the intersection over size of the union of two sorted sets, which are not both empty."""
    common = 0
    i = 0
    j = 0
    while i < len(left) and j < len(right):
        x = left[i]
        y = right[j]
        common += x == y
        i += x <= y
        j += y <= x
    return common / (len(left) + len(right) - common)


@jit
def pair_of(one: int, other: int) -> np.uint64:
    """The key of a pair."""
    return np.uint64(min(one, other)) << _HALF | np.uint64(max(one, other))


@jit
def place_of(keys: Keys, pair: np.uint64) -> int:
    """Where `pair` stands in an open-addressing table of a power of two of places, or where it would."""
    mask = np.uint64(len(keys) - 1)
    mixed = pair * _FACTOR
    at = (mixed ^ (mixed >> _HALF)) & mask
    while keys[at] != 0 and keys[at] != pair:
        at = (at + np.uint64(1)) & mask
    return int(at)


@jit
def enlarged(keys: Keys, similarity: Values, asked: Flags, places: int) -> tuple[Keys, Values, Flags]:
    """The same table with more places."""
    wider = np.zeros(places, dtype=np.uint64)
    wider_similarity = np.zeros(places, dtype=np.float64)
    wider_asked = np.zeros(places, dtype=np.uint8)
    for place in range(len(keys)):
        if keys[place]:
            at = place_of(wider, keys[place])
            wider[at] = keys[place]
            wider_similarity[at] = similarity[place]
            wider_asked[at] = asked[place]
    return wider, wider_similarity, wider_asked


@jit
def mark_unknown(
    members: Numbers,
    starts: Offsets,
    window: int,
    first: Offsets,
    signatures: Signatures,
    least: int,
    likely: int,
    threshold: float,
    keys: Keys,
    similarity: Values,
    parents: Numbers,
    wanted: Flags,
) -> int:
    """Mark in `wanted` the documents of the pairs that `settle` will probably compare and the table does not
    hold.

    Clusters are joined along known pairs, and along others whose signatures agree in `likely` places. The
    return counts the signatures compared.
    """
    compared = 0
    for bucket in range(len(starts) - 1):
        for right in range(starts[bucket] + 1, starts[bucket + 1]):
            one = members[right]
            for left in range(max(starts[bucket], right - window), right):
                other = members[left]
                mine = root(parents, one)
                theirs = root(parents, other)
                if mine == theirs:
                    continue
                compared += 1
                same = agreement(signatures[first[one]], signatures[first[other]])
                if same < least:
                    continue
                pair = pair_of(one, other)
                at = place_of(keys, pair)
                unknown = keys[at] != pair
                if unknown:
                    wanted[one] = 1
                    wanted[other] = 1
                if same >= likely if unknown else similarity[at] >= threshold:
                    parents[max(mine, theirs)] = min(mine, theirs)
    return compared


@jit
def settle(
    members: Numbers,
    starts: Offsets,
    window: int,
    first: Offsets,
    signatures: Signatures,
    least: int,
    threshold: float,
    keys: Keys,
    similarity: Values,
    asked: Flags,
    held: int,
    parents: Numbers,
    slots: Numbers,
    shingles: Keys,
    ends: Offsets,
    lacking: Flags,
) -> tuple[Keys, Values, Flags, int, int]:
    """Join in `parents` the documents of each bucket whose similarity is at least `threshold`.

    Each document is compared with up to `window` others before it in its bucket, unless one cluster holds
    both already or their signatures agree in fewer than `least` places. Similarities come from the table or
    from the sorted shingles `shingles[ends[slot]:ends[slot + 1]]`; a document without a slot is marked in
    `lacking` and its pair left out. The return is the table, how many pairs it holds, and how many pairs of
    shingle sets were compared.

    Where something is lacking, the clusters are never larger than they would be with it. What is skipped
    because one cluster holds both is then skipped with it too, so that a second run with what the first
    lacked lacks nothing.
    """
    compared = 0
    for bucket in range(len(starts) - 1):
        for right in range(starts[bucket] + 1, starts[bucket + 1]):
            one = members[right]
            for left in range(max(starts[bucket], right - window), right):
                other = members[left]
                mine = root(parents, one)
                theirs = root(parents, other)
                if mine == theirs:
                    continue
                if agreement(signatures[first[one]], signatures[first[other]]) < least:
                    continue
                pair = pair_of(one, other)
                at = place_of(keys, pair)
                if keys[at] != pair:
                    if slots[one] < 0 or slots[other] < 0:
                        lacking[one] = 1
                        lacking[other] = 1
                        continue
                    compared += 1
                    keys[at] = pair
                    similarity[at] = jaccard(
                        shingles[ends[slots[one]] : ends[slots[one] + 1]],
                        shingles[ends[slots[other]] : ends[slots[other] + 1]],
                    )
                    held += 1
                asked[at] = 1
                if similarity[at] >= threshold:
                    parents[max(mine, theirs)] = min(mine, theirs)
                if 2 * held > len(keys):
                    keys, similarity, asked = enlarged(keys, similarity, asked, 2 * len(keys))
    return keys, similarity, asked, held, compared


@jit
def fill(pairs: Keys, values: Values, keys: Keys, similarity: Values) -> None:
    """Put pairs that are not there yet into a table that has room for them."""
    for i in range(len(pairs)):
        at = place_of(keys, pairs[i])
        keys[at] = pairs[i]
        similarity[at] = values[i]


@jit
def missing(pairs: Keys, keys: Keys, out: Flags) -> None:
    """Mark in `out` the pairs that the table does not hold."""
    for i in range(len(pairs)):
        out[i] = keys[place_of(keys, pairs[i])] != pairs[i]


@jit
def compare(
    pairs: Keys,
    keys: Keys,
    similarity: Values,
    asked: Flags,
    slots: Numbers,
    shingles: Keys,
    ends: Offsets,
    out: Values,
) -> int:
    """Write the similarity of each pair to `out`, from the table or from the shingles, and note it as asked.

    The table needs room for all of them. The return counts the pairs of shingle sets compared.
    """
    compared = 0
    for i in range(len(pairs)):
        at = place_of(keys, pairs[i])
        if keys[at] != pairs[i]:
            compared += 1
            one = slots[np.int64(pairs[i] >> _HALF)]
            other = slots[np.int64(pairs[i] & np.uint64(0xFFFFFFFF))]
            keys[at] = pairs[i]
            similarity[at] = jaccard(
                shingles[ends[one] : ends[one + 1]], shingles[ends[other] : ends[other + 1]]
            )
        asked[at] = 1
        out[i] = similarity[at]
    return compared


@jit
def flatten(parents: Numbers) -> None:
    """Let every entry name its representative."""
    for number in range(len(parents)):
        parents[number] = root(parents, number)


def warm() -> None:
    """Compile for the types that callers use, by finding duplicates twice."""
    import tempfile
    from pathlib import Path

    import pyarrow as pa

    from headwater.curate.dedup.find import find_duplicates
    from headwater.curate.dedup.known import KnownPairs
    from headwater.curate.dedup.settings import Deduplicate

    settings = Deduplicate(threshold=0.1)
    texts = ["a b c d e f g", "a b c d e f h", "x b c d e f g"]
    sketches = [settings.sketch(pa.RecordBatch.from_pydict({"text": texts}))]
    known = KnownPairs.none()
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(2):
            found = find_duplicates(
                settings,
                sketches,
                [np.zeros(len(texts), dtype=np.int64)],
                texts=lambda numbers: ((number, texts[number]) for number in numbers.tolist()),
                known=known,
                scratch=Path(folder),
            )
            known = KnownPairs(found.pairs)
    table = np.zeros(2, dtype=np.uint64), np.zeros(2, dtype=np.float64), np.zeros(2, dtype=np.uint8)
    enlarged(*table, 4)
