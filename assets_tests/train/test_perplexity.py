"""Perplexity as a step, with the real tokenizer and the first layers of the real model."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow as pa
import pytest
from pydantic import ValidationError

from headwater.train.perplexity import Perplexity

TEXTS = ("The lake keeps every version of the data.", "zq xv kjw qqp wvx zzk", "", "a")


def _batch(texts: tuple[str, ...]) -> pa.RecordBatch:
    identifiers = [hashlib.sha256(f"{number}".encode()).hexdigest() for number in range(len(texts))]
    return pa.RecordBatch.from_pydict({"document_id": identifiers, "text": list(texts)})


def test_every_text_of_two_tokens_is_measured_alike_alone_and_in_a_batch(base_model: Path) -> None:
    step = Perplexity(model=base_model, share=1.0)
    measured = step(_batch(TEXTS)).column("perplexity").to_pylist()
    assert measured[0] is not None
    assert measured[0] > 1.0
    assert measured[2:] == [None, None]
    assert measured[:2] == [step.measure(text) for text in TEXTS[:2]]


def test_buckets_and_refusals_follow_the_limits(base_model: Path) -> None:
    value = Perplexity(model=base_model, share=1.0).measure(TEXTS[0])
    assert value is not None
    head = Perplexity(model=base_model, share=1.0, head=value * 2, tail=value * 3)
    tail = Perplexity(model=base_model, share=1.0, head=1.1, tail=value, max_perplexity=value / 2)
    assert head(_batch(TEXTS[:1])).column("perplexity_bucket").to_pylist() == ["head"]
    judged = tail(_batch(TEXTS[:1]))
    assert judged.column("perplexity_bucket").to_pylist() == ["tail"]
    assert judged.column("refused_reason").to_pylist() == ["perplexity"]


def test_only_the_share_is_measured(base_model: Path) -> None:
    step = Perplexity(model=base_model, share=0.2, tokens=8)
    measured = step(_batch(("The lake keeps it.",) * 60)).column("perplexity")
    assert 3 <= len(measured) - measured.null_count <= 24


def test_what_is_no_model_and_limits_in_the_wrong_order_are_named(tmp_path: Path, base_model: Path) -> None:
    with pytest.raises(ValidationError, match=r"lacks model\.safetensors, config\.json, tokenizer\.json"):
        Perplexity(model=tmp_path)
    with pytest.raises(ValidationError, match=r"head \(9\) must be below tail \(3\)"):
        Perplexity(model=base_model, head=9.0, tail=3.0)
