"""Headwater: raw sources to curated datasets, an index, a fine-tuned model and a gated release."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headwater.building import AssetResult, BuildResult, build

try:
    __version__ = version("headwater")
except PackageNotFoundError:  # run from a source tree that was not installed
    __version__ = "0.0.0"

__all__ = ["AssetResult", "BuildResult", "__version__", "build"]


def __getattr__(name: str) -> Any:
    """Import Dagster only for those who build; reading the lake does not need it."""
    if name in __all__:
        from headwater import building

        return getattr(building, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
