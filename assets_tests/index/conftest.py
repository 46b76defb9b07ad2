"""One embedder and one small index for all tests here."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_corpus import build_index

from headwater.index.embedder import Embedder, EmbeddingModel


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    return Embedder(EmbeddingModel())


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with chunks, embeddings, index, silver and questions."""
    return build_index(tmp_path_factory.mktemp("corpus"))
