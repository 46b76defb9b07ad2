"""What is read of a unit more than once in a build, kept in memory as long as it is little."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

REMEMBERED_ROWS = 1 << 16


class Remembered:
    """Tables by unit: those of the first 65,536 rows that are asked for are kept, others are read again."""

    def __init__(self, read: Callable[[int], pa.Table]) -> None:
        self._read = read
        self._kept: dict[int, pa.Table] = {}
        self._rows = 0

    def get(self, unit: int) -> pa.Table:
        """The table of a unit."""
        if unit in self._kept:
            return self._kept[unit]
        table = self._read(unit)
        self.put(unit, table)
        return table

    def put(self, unit: int, table: pa.Table) -> None:
        """Keep a table that was read already, if there is room."""
        if self._rows + len(table) <= REMEMBERED_ROWS and unit not in self._kept:
            self._kept[unit] = table
            self._rows += len(table)
