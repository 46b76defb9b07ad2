"""Token counts as a step."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from headwater.curate import token_count
from headwater.curate.chunk import MINILM_TOKENIZER
from headwater.curate.token_count import CountTokens
from headwater.curate.tokens import TokenCounter


@pytest.fixture(scope="module")
def byte_pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small byte-level BPE, as GPT-2's is a large one."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=600, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(["the lake keeps every version of the data and the model"] * 50, trainer)
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    tokenizer.save(str(path))
    return path


def _counts(step: CountTokens, texts: list[str]) -> list[int]:
    return (
        step(pa.RecordBatch.from_pydict({"text": pa.array(texts, pa.string())})).column("tokens").to_pylist()
    )


@settings(deadline=None, max_examples=50)
@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=5))
def test_both_counters_give_the_same_numbers(byte_pairs: Path, texts: list[str]) -> None:
    assert _counts(CountTokens(tokenizer=str(byte_pairs)), texts) == TokenCounter.load(
        str(byte_pairs)
    ).counts(texts)


def test_batches_of_bytes_do_not_change_the_counts(byte_pairs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["the lake keeps", "", "every version of the data " * 40, "é 中 \x00"]
    step = CountTokens(tokenizer=str(byte_pairs))
    whole = _counts(step, texts)
    monkeypatch.setattr(token_count, "BATCH_BYTES", 20)
    assert _counts(step, texts) == whole
    assert whole[1] == 0


def test_another_kind_of_tokenizer_is_counted_without_what_the_model_adds() -> None:
    assert _counts(CountTokens(tokenizer=MINILM_TOKENIZER), ["two words", ""]) == [2, 0]


def test_a_missing_tokenizer_is_named() -> None:
    with pytest.raises(ValidationError, match=r"absent\.json.*there is no such file"):
        CountTokens(tokenizer="absent.json")
