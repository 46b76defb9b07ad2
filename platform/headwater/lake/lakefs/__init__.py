"""The lake in a lakeFS server."""

from __future__ import annotations

from headwater.lake.lakefs.store import LakeFSLake

__all__ = ["LakeFSLake"]
