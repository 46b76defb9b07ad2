"""What is read of a block more than once in a build, kept in memory as long as it is little."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

REMEMBERED_ROWS = 1 << 16


class Remembered:
    """Tables by number: those of the first 65,536 rows that are asked for are kept, others are read again."""

    def __init__(self, read: Callable[[int], pa.Table]) -> None:
        self._read = read
        self._kept: dict[int, pa.Table] = {}
        self._rows = 0

    def get(self, number: int) -> pa.Table:
        """The table of this number."""
        if number in self._kept:
            return self._kept[number]
        table = self._read(number)
        if self._rows + len(table) <= REMEMBERED_ROWS:
            self._kept[number] = table
            self._rows += len(table)
        return table
