"""What is judged at once: neighbouring units with about a batch of new rows between them.

A change here and there leaves a few new rows in every unit. Judged unit by unit they would cost more in
calls than in work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from headwater.curate.engine.known import Known
from headwater.tables import read_json, write_json

_GROUPS = "groups.json"
GROUP_ROWS = 1024
GROUP_BYTES = 8 << 20
"""A group ends when it has so many new rows, or bytes of them."""


@dataclass(frozen=True)
class Group:
    """Units `first` to `stop` - 1, which have `rows` new rows of about `size` bytes."""

    first: int
    stop: int
    rows: int
    size: float


def save_groups(folder: Path, groups: Sequence[Group]) -> None:
    """Write the groups to a folder for `open_groups`."""
    write_json(folder / _GROUPS, [asdict(group) for group in groups])


def open_groups(folder: Path) -> list[Group]:
    """The groups that were saved there."""
    return [Group(**group) for group in read_json(folder / _GROUPS)]


def plan_groups(known: Known) -> list[Group]:
    """The groups in their order; units without new rows may be in none."""
    groups: list[Group] = []
    first = rows = 0
    size = 0.0
    for unit, whole in enumerate(known.sizes):
        where = known.of_unit(unit)
        fresh = int(np.count_nonzero(known.rows[where] < 0))
        if fresh:
            if not rows:
                first = unit
            rows += fresh
            size += fresh / (where.stop - where.start) * whole
        if rows and (rows >= GROUP_ROWS or size >= GROUP_BYTES or unit == len(known.sizes) - 1):
            groups.append(Group(first, unit + 1, rows, size))
            rows, size = 0, 0.0
    return groups
