"""What steps found out about a text column stays with it when rows are taken out of the batch.

Apart from the counting itself, so that the engine need not load compiled kernels to pass it on.
"""

from __future__ import annotations

import threading
from typing import Any, Protocol, Self

import numpy as np
import pyarrow as pa

Rows = np.ndarray[Any, np.dtype[np.int64]]


class Measured(Protocol):
    """What is known of a text column."""

    column: pa.Array

    def chosen(self, column: pa.Array, rows: Rows) -> Self:
        """The same of these rows, which `column` holds."""
        ...


class _Held(threading.local):
    measured: Measured | None = None


_held = _Held()


def hold(measured: Measured) -> None:
    """Keep this for the next step in this thread; what was kept before is forgotten."""
    _held.measured = measured


def held(column: pa.Array) -> Measured | None:
    """What is kept, if it is about this column: of the same memory.

    It holds on to the column, so its memory cannot become another column's; Arrow's memory never changes.
    """
    last = _held.measured
    return last if last is not None and _memory(last.column) == _memory(column) else None


def follow(before: pa.Array, after: pa.Array, rows: Rows) -> None:
    """Say that `after` is these rows of `before`."""
    last = held(before)
    if last is not None:
        hold(last.chosen(after, rows))


def _memory(column: pa.Array) -> tuple[int, ...]:
    buffers = [buffer.address if buffer is not None else 0 for buffer in column.buffers()]
    return (column.offset, len(column), *buffers)
