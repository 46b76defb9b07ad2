"""Where raw files come from: folders, installed packages, installed distributions."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from headwater.sources.base import (
    Listed,
    ListingFailed,
    ListingShrank,
    Reading,
    Refused,
    Settings,
    Source,
    SourceError,
)
from headwater.sources.files import Folder
from headwater.sources.packages import InstalledDistributions, InstalledPackage

SourceConfig = Annotated[Folder | InstalledPackage | InstalledDistributions, Field(discriminator="kind")]
"""Any source, as `defs.yaml` writes it: the field `kind` says which."""

__all__ = [
    "Folder",
    "InstalledDistributions",
    "InstalledPackage",
    "Listed",
    "ListingFailed",
    "ListingShrank",
    "Reading",
    "Refused",
    "Settings",
    "Source",
    "SourceConfig",
    "SourceError",
]
