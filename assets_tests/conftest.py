"""Shared by all tests: no network, no settings of the person who runs them, one tiny product built once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import tiny_product

from headwater.building import BuildResult
from headwater.lake import Lake, open_lake
from headwater.lake.records import data_version

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["COLUMNS"] = "200"  # tables are not folded, so that tests can read them


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HEADWATER_HOME", "HEADWATER_LAKE", "HEADWATER_BRANCH", "DAGSTER_HOME"):
        monkeypatch.delenv(name, raising=False)


@dataclass(frozen=True)
class Built:
    """A folder with `sources/` and `home/`, and what building it said."""

    folder: Path
    result: BuildResult

    @property
    def lake(self) -> Lake:
        return open_lake(self.folder / "home" / "lake")

    def versions(self, ref: str = "main") -> dict[str, str]:
        """Data version of every asset at a ref."""
        lake = self.lake
        names = {item.path.split("/")[1] for item in lake.list(ref, f"{tiny_product.PRODUCT}/")}
        found = {name: data_version(lake, ref, f"{tiny_product.PRODUCT}/{name}/") for name in sorted(names)}
        return {name: version for name, version in found.items() if version is not None}


@pytest.fixture(scope="session")
def model_cache(request: pytest.FixtureRequest) -> Path:
    """Converted base models, kept from one test run to the next: converting one takes 20 CPU seconds."""
    assert request.config.cache is not None
    return Path(request.config.cache.mkdir("headwater-models"))


@pytest.fixture(scope="session")
def new_folder(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Callable[[], Path]:
    """Folders with the tiny product's sources, whose homes share the converted base model."""

    def make() -> Path:
        folder = tmp_path_factory.mktemp("product")
        tiny_product.write_sources(folder / "sources")
        cache = folder / "home" / "cache"
        cache.mkdir(parents=True)
        shared = model_cache / "base_model"
        shared.mkdir(exist_ok=True)
        (cache / "base_model").symlink_to(shared, target_is_directory=True)
        return folder

    return make


@pytest.fixture(scope="session")
def built(new_folder: Callable[[], Path]) -> Built:
    """The product, built from nothing; do not change it."""
    folder = new_folder()
    return Built(folder, tiny_product.build_tiny(folder))


@pytest.fixture
def copy(built: Built, tmp_path: Path) -> Built:
    """A copy of the built product that a test may change."""
    shutil.copytree(built.folder, tmp_path / "copy", symlinks=True)
    return Built(tmp_path / "copy", built.result)
