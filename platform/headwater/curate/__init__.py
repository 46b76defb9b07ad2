"""From raw bytes to passages: the tiers raw, bronze and silver, and chunks."""

from __future__ import annotations

from headwater.curate.bronze import BronzeMaker
from headwater.curate.chunk import ChunkMaker
from headwater.curate.raw import RawMaker
from headwater.curate.silver import SilverMaker

__all__ = ["BronzeMaker", "ChunkMaker", "RawMaker", "SilverMaker"]
