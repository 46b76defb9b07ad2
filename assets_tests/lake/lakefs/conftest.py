"""The lakeFS store alone, against the stand-in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from headwater.lake.lakefs import LakeFSLake, patience


@pytest.fixture
def location(double: Any) -> str:
    """A fresh repository of the stand-in."""
    return double.new_repository()


@pytest.fixture
def lake(location: str, tmp_path: Path) -> LakeFSLake:
    return LakeFSLake(location, tmp_path / "cache")


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "FIRST_PAUSE_SECONDS", 0.001)
