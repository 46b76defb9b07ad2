"""Characters of UTF-8."""

from __future__ import annotations

from typing import Any

import numpy as np

from headwater.curate.kernels.buffers import Bytes, jit

Integer = int | np.integer[Any]
Truth = bool | np.bool_


@jit
def size_of_character(first: Any) -> int:
    """Bytes of the character that begins with this one, in valid UTF-8."""
    return 1 if first < 0x80 else 2 if first < 0xE0 else 3 if first < 0xF0 else 4


@jit
def code_point(data: Bytes, at: Any, size: Any) -> np.int64:
    """The character of `size` bytes at `at`."""
    first = np.int64(data[at])
    if size == 1:
        return first
    point = first & (0x7F >> size)
    for place in range(at + 1, at + size):
        point = (point << 6) | np.int64(data[place] & 0x3F)
    return point
