"""Settings and shorthands for the built tiny product."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny_product

from headwater.building import BuildResult
from headwater.settings import Settings

CORPUS = ["raw", "bronze", "silver", "chunks"]


@pytest.fixture(scope="session")
def settings_of() -> Callable[..., Settings]:
    """Settings of a folder with `home/`."""

    def make(folder: Path, branch: str = "main") -> Settings:
        return Settings(folder / "home", str(folder / "home" / "lake"), branch)

    return make


@pytest.fixture(scope="session")
def build_corpus() -> Callable[..., BuildResult]:
    """Build raw to chunks of a folder's sources, which takes about a second."""

    def run(folder: Path, **options: Any) -> BuildResult:
        options.setdefault("select", CORPUS)
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


@pytest.fixture
def corpus(_corpus: Path, tmp_path: Path) -> Path:
    """A folder with `sources/` and a `home/` in which raw to chunks are built; a test may change it."""
    import shutil

    shutil.copytree(_corpus, tmp_path / "corpus")
    return tmp_path / "corpus"
