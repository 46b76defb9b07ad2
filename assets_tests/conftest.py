"""Shared by all tests: no network, no settings of the person who runs them, one cache of converted models."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HEADWATER_HOME", "HEADWATER_LAKE", "HEADWATER_BRANCH", "DAGSTER_HOME"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def model_cache(request: pytest.FixtureRequest) -> Path:
    """Converted base models, kept from one test run to the next: converting one takes 20 CPU seconds."""
    folder = request.config.cache.mkdir("headwater-models")
    return Path(folder)
