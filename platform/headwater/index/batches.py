"""Batches of one fixed shape, so that a text's vector does not depend on its companions.

A matrix product picks its kernel by shape, and kernels round differently. Therefore a text is padded to a
length that follows from the text alone, and every batch of that length has the same number of rows, the
missing ones filled with dummies.

Measured on two samples of 800 passages of 65 tokens, one thread: 42 and 46 passages per CPU second in batches
of 8 padded to multiples of 16, against 45 and 48 in plain length-sorted batches of 32. When 1,277 passages
were shuffled, 58 vectors of the plain batches changed in their last bits, and none of these.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Task:
    """Texts of one padded length: positions in the caller's list, at most `token_budget` padded tokens."""

    length: int
    positions: tuple[int, ...]


def plan(lengths: Sequence[int], *, rows: int, step: int, token_budget: int) -> list[Task]:
    """Group texts by padded length into tasks, longest first; the order within a length is kept."""
    buckets: dict[int, list[int]] = {}
    for position, length in enumerate(lengths):
        buckets.setdefault(padded(length, step), []).append(position)
    tasks: list[Task] = []
    for length in sorted(buckets, reverse=True):
        positions = buckets[length]
        size = max(1, token_budget // (length * rows)) * rows
        tasks += [
            Task(length, tuple(positions[start : start + size])) for start in range(0, len(positions), size)
        ]
    return tasks


def padded(length: int, step: int) -> int:
    """The next multiple of `step`."""
    return -(-length // step) * step


def matrices(
    ids: Sequence[Sequence[int]], *, length: int, rows: int
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_], int]]:
    """Token ids as (ids [rows, length], mask [rows, length], rows that are real), batch after batch.

    A dummy row is one token of id 0.
    """
    for start in range(0, len(ids), rows):
        batch = ids[start : start + rows]
        matrix = np.zeros((rows, length), dtype=np.int64)
        mask = np.zeros((rows, length), dtype=np.bool_)
        mask[len(batch) :, 0] = True
        for row, tokens in enumerate(batch):
            matrix[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = True
        yield matrix, mask, len(batch)
