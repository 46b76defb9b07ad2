"""From raw bytes to passages: the tiers raw, bronze and silver, and chunks."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headwater.curate.bronze import BronzeMaker
    from headwater.curate.chunk import ChunkMaker
    from headwater.curate.raw import RawMaker
    from headwater.curate.silver import SilverMaker

__all__ = ["BronzeMaker", "ChunkMaker", "RawMaker", "SilverMaker"]
_MODULES = {"BronzeMaker": "bronze", "ChunkMaker": "chunk", "RawMaker": "raw", "SilverMaker": "silver"}


def __getattr__(name: str) -> Any:
    """Import a maker when it is asked for: worker processes need the steps alone and start in no time."""
    if name in _MODULES:
        return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
