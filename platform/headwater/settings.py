"""Where this installation keeps its things, read from the environment once per process start.

`HEADWATER_HOME` (default `.headwater` in the working directory) holds caches and unfinished work,
`HEADWATER_LAKE` (default `<home>/lake`) the lake, `HEADWATER_BRANCH` (default `main`) names the
environment: the branch that builds read from and publish to.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from headwater.lake import Lake, open_lake
from headwater.lake.names import check_branch

PRODUCTION = "production"
MAIN = "main"
DOWNLOADS = "lakefs"
"""The folder below the cache with what was downloaded from a lake elsewhere."""


@dataclass(frozen=True)
class Settings:
    """Places and the target branch. Raises `InvalidName` for a branch that the lake cannot hold."""

    home: Path
    lake: str
    branch: str = MAIN

    def __post_init__(self) -> None:
        check_branch(self.branch)

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] = os.environ, *, branch: str | None = None
    ) -> Settings:
        """Settings from `HEADWATER_*` variables; `branch` takes precedence over `HEADWATER_BRANCH`."""
        home = Path(environment.get("HEADWATER_HOME") or ".headwater").absolute()
        return cls(
            home=home,
            lake=environment.get("HEADWATER_LAKE") or str(home / "lake"),
            branch=branch or environment.get("HEADWATER_BRANCH") or MAIN,
        )

    @property
    def cache(self) -> Path:
        """Reusable results; safe to delete when no build runs."""
        return self.home / "cache"

    @property
    def scratch(self) -> Path:
        """Unfinished work that a later build continues."""
        return self.home / "scratch"

    @property
    def locks(self) -> Path:
        """One lock file per asset and branch, so that two builds do not repeat each other's work."""
        return self.home / "locks"

    def open_lake(self, location: str = "") -> Lake:
        """The configured lake, or another one; created if it is embedded and not there yet."""
        return open_lake(location or self.lake, cache=self.cache / DOWNLOADS)
