"""Sets of hashes by open addressing, in arrays that the caller empties with zeros."""

from __future__ import annotations

import numpy as np

from headwater.curate.kernels.buffers import inlined
from headwater.curate.kernels.characters import Int
from headwater.curate.kernels.words import HALF, MIX, ONE, Hashes

FREE = np.uint64(0)


def table_size(items: Int) -> int:
    """Size of a table for so many items: a power of two, at least twice as many."""
    size = 16
    while size < 2 * items:
        size *= 2
    return size


capacity = inlined(table_size)
"""The same in a kernel."""


@inlined
def key(value: np.uint64) -> np.uint64:
    """`value` with its bits mixed, never zero: zero marks a free place."""
    value = (value ^ (value >> HALF)) * MIX
    value = (value ^ (value >> HALF)) * MIX
    return value ^ (value >> HALF) | ONE


@inlined
def slot(table: Hashes, mask: int, wanted: np.uint64) -> Int:
    """Where the key `wanted` stands or belongs. `mask` is the table's size less one."""
    limit = np.uint64(mask)
    place = (wanted >> HALF) & limit
    while table[place] != FREE and table[place] != wanted:
        place = (place + ONE) & limit
    return np.int64(place)


@inlined
def add(table: Hashes, mask: int, value: np.uint64) -> bool:
    """Put a hash into the set; whether it is new."""
    wanted = key(value)
    place = slot(table, mask, wanted)
    if table[place] == wanted:
        return False
    table[place] = wanted
    return True
