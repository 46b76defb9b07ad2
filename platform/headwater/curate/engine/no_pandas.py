"""Keeping pandas out of a process that has no use for it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

import pyarrow as pa

_PANDAS = "pandas"


class _Hidden:
    """Finds no pandas, and says nothing of other modules."""

    def find_spec(
        self, name: str, _path: Sequence[str] | None, _target: ModuleType | None = None, /
    ) -> ModuleSpec | None:
        if name == _PANDAS:
            raise ModuleNotFoundError(f"{name} is hidden from pyarrow", name=name)
        return None


def hide_pandas() -> None:
    """Let pyarrow believe that there is no pandas, which it otherwise loads to look at its first argument.

    That takes longer than to load numba. From then on `pa.array` takes what comes from pandas for any other
    sequence: only for a process in which nothing does. `import pandas` and `to_pandas` work as ever.
    """
    if _PANDAS in sys.modules:
        return
    hidden = _Hidden()
    sys.meta_path.insert(0, hidden)
    try:
        # It asks once.
        pa.array([0])
    finally:
        sys.meta_path.remove(hidden)
