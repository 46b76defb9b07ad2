"""Deleting the past on purpose: what a store can do about it is not part of `Lake`, because stores differ."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

Place = tuple[str, str]
"""A commit, and the path at which it has an object."""


@dataclass(frozen=True)
class Unlinked:
    """What was done about payloads that only a garbage collection of the server can delete.

    `branches` were deleted, on those in `cleaned` so many objects were. `downloads` were deleted on this
    machine. `payloads` with `bytes` can still be read by whoever knows a commit that holds them, until
    `steps` were taken.
    """

    branches: tuple[str, ...]
    cleaned: Mapping[str, int]
    downloads: int
    payloads: int
    bytes: int
    steps: tuple[str, ...]


@runtime_checkable
class Erasing(Protocol):
    """A store that deletes payloads although history refers to them. The embedded one does."""

    def erase(self, digests: Collection[str]) -> tuple[int, int]:
        """Delete payloads; returns how many and their bytes."""
        ...


@runtime_checkable
class Unlinking(Protocol):
    """A store that can only see to it that no branch holds payloads any more. lakeFS's is one."""

    def unlink(self, places: Mapping[str, Place]) -> Unlinked:
        """Take payloads (by digest, each with a place that holds it) off every branch and this machine."""
        ...
