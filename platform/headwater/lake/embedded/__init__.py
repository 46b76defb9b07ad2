"""The lake in a folder of this machine."""

from __future__ import annotations

from headwater.lake.embedded.store import EmbeddedLake

__all__ = ["EmbeddedLake"]
