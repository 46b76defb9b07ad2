"""Settings and shorthands for the built tiny product."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny_product
from lakefs_double import Double

from headwater.building import BuildResult
from headwater.lake import Lake
from headwater.settings import Settings

CORPUS = ["raw", "bronze", "silver", "chunks"]


LOCATION = "location"
"""A file in a folder whose lake is not below its home: where it is."""


@pytest.fixture(scope="session")
def settings_of() -> Callable[..., Settings]:
    """Settings of a folder with `home/`."""

    def make(folder: Path, branch: str = "main") -> Settings:
        place = folder / LOCATION
        lake = place.read_text() if place.exists() else str(folder / "home" / "lake")
        return Settings(folder / "home", lake, branch)

    return make


@pytest.fixture(scope="session")
def lake_of(settings_of: Callable[..., Settings]) -> Callable[[Path], Lake]:
    """The lake of a folder."""
    return lambda folder: settings_of(folder).open_lake()


@pytest.fixture(scope="session")
def double() -> Iterator[Double]:
    """A stand-in for lakeFS, with its keys in the environment."""
    with Double.started() as running, pytest.MonkeyPatch.context() as patch:
        for name, value in running.environment().items():
            patch.setenv(name, value)
        yield running


@pytest.fixture
def store() -> str:
    """Which store `corpus` is in. Tests that run on both parametrize it: embedded, lakefs."""
    return "embedded"


@pytest.fixture(scope="session")
def build_corpus(settings_of: Callable[..., Settings]) -> Callable[..., BuildResult]:
    """Build raw to chunks of a folder's sources, which takes about a second."""

    def run(folder: Path, **options: Any) -> BuildResult:
        options.setdefault("select", CORPUS)
        options.setdefault("lake", settings_of(folder).lake)
        result = tiny_product.build_tiny(folder, sources=folder / "sources", **options)
        assert result.succeeded, result.reason
        return result

    return run


@pytest.fixture(scope="session")
def _corpus(tmp_path_factory: pytest.TempPathFactory, build_corpus: Callable[..., BuildResult]) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    tiny_product.write_sources(folder / "sources")
    build_corpus(folder)
    return folder


@pytest.fixture(scope="session")
def _corpus_on_lakefs(
    tmp_path_factory: pytest.TempPathFactory, build_corpus: Callable[..., BuildResult], double: Double
) -> Path:
    folder = tmp_path_factory.mktemp("corpus-on-lakefs")
    tiny_product.write_sources(folder / "sources")
    (folder / LOCATION).write_text(double.new_repository())
    build_corpus(folder)
    return folder


@pytest.fixture
def corpus(request: pytest.FixtureRequest, store: str, tmp_path: Path) -> Path:
    """A folder with `sources/` and a `home/` in which raw to chunks are built; a test may change it."""
    made: Path = request.getfixturevalue("_corpus" if store == "embedded" else "_corpus_on_lakefs")
    shutil.copytree(made, tmp_path / "corpus")
    if store != "embedded":
        double: Double = request.getfixturevalue("double")
        (tmp_path / "corpus" / LOCATION).write_text(double.clone((made / LOCATION).read_text()))
    return tmp_path / "corpus"
