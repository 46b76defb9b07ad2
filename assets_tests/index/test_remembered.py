"""Questions are embedded once a machine, with the bytes that they would have had."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from headwater.index.embedder import Embedder, EmbeddingModel
from headwater.index.remembered import FOLDER, RememberingEmbedder, open_remembering
from headwater.index.search import SearchIndex

TEXTS = ["How do I delete a bucket?", "List every queue", "Create a snapshot", "How do I delete a bucket?"]


def test_a_second_asks_nothing_again_and_gets_the_same_bytes(
    embedder: Embedder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: list[int] = []
    plain = Embedder.embed

    def counted(self: Embedder, texts: list[str]) -> np.ndarray:
        computed.append(len(texts))
        return plain(self, texts)

    first, second = (RememberingEmbedder(EmbeddingModel(), tmp_path) for _ in range(2))
    monkeypatch.setattr(Embedder, "embed", counted)
    assert first.embed(TEXTS[:1]).tobytes() == plain(embedder, TEXTS[:1]).tobytes()
    assert first.embed(TEXTS).tobytes() == plain(embedder, TEXTS).tobytes()
    assert second.embed(TEXTS).tobytes() == plain(embedder, TEXTS).tobytes()
    assert computed == [1, 2]
    assert second.embed([]).shape == (0, embedder.dimensions)
    shutil.rmtree(tmp_path / FOLDER)
    assert second.embed(["Who pays?", *TEXTS]).shape == (5, embedder.dimensions)


def test_an_index_finds_the_same_by_remembered_questions(corpus: Path, tmp_path: Path) -> None:
    plain, remembering = SearchIndex.open(corpus / "index"), open_remembering(corpus / "index", tmp_path)
    for _ in range(2):
        vectors, cosines = remembering.nearest(TEXTS)
        assert vectors.tobytes() == plain.nearest(TEXTS)[0].tobytes()
        assert cosines.tobytes() == plain.nearest(TEXTS)[1].tobytes()
        assert remembering.rank_by_all(TEXTS, 5) == plain.rank_by_all(TEXTS, 5)
