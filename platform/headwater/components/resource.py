"""The one resource: where the lake is and which branch is the environment."""

from __future__ import annotations

import dagster as dg
from pydantic import Field

from headwater.settings import Settings


class Headwater(dg.ConfigurableResource):
    """The lake and the target branch; what is left empty is read from `HEADWATER_*` when a step starts."""

    home: str = Field(default="", description="Folder of caches and unfinished work (HEADWATER_HOME)")
    lake: str = Field(default="", description="Where the lake is (HEADWATER_LAKE)")
    branch: str = Field(default="", description="Branch to read from and publish to (HEADWATER_BRANCH)")

    def settings(self) -> Settings:
        """The settings in force. Raises `InvalidName` for a branch name that the lake cannot hold."""
        import os

        given = {"HEADWATER_HOME": self.home, "HEADWATER_LAKE": self.lake, "HEADWATER_BRANCH": self.branch}
        return Settings.from_environment(
            {**os.environ, **{key: value for key, value in given.items() if value}}
        )
