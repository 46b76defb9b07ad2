"""Named columns of counts, a row for each document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Table = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Counters:
    """Named columns of counts, a number for each document."""

    names: tuple[str, ...]
    table: Table

    def __getitem__(self, name: str) -> Table:
        return self.table[:, self.names.index(name)]
