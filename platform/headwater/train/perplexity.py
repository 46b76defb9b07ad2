"""Perplexity of documents under a small language model, as a step of the silver tier."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

import pyarrow as pa
import xxhash
from pydantic import Field, field_validator, model_validator

from headwater.curate.step import Looser, StepSettings, Verdict, strings, with_columns, with_verdicts
from headwater.fingerprint import digest_file, digest_json
from headwater.train.model import choose_device, load_model, load_tokenizer

WEIGHTS = "model.safetensors"


class Perplexity(StepSettings):
    """Adds `perplexity` and its bucket, and refuses documents above `max_perplexity` (null: none).

    `model` is a folder with a causal language model in safetensors and its tokenizer, as the asset
    `base_model` is one. The perplexity is that of the first `tokens` tokens, for a share of the documents
    that a hash of their id chooses: milliseconds of CPU for each token make it a measure for samples. With
    `head` and `tail` the buckets are those of CCNet (Wenzek et al., 2020): head is what the model finds
    likely, tail what it does not. Adds null to documents outside the sample and to texts of one token.
    """

    name: ClassVar[str] = "perplexity"
    modules: ClassVar[tuple[str, ...]] = ("headwater.train.model",)
    libraries: ClassVar[tuple[str, ...]] = ("torch", "transformers", "tokenizers")
    looser: ClassVar[Mapping[str, Looser]] = {"max_perplexity": "higher"}
    model: Path
    share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.02
    tokens: Annotated[int, Field(ge=2, le=8192)] = 256
    head: Annotated[float, Field(gt=1.0)] | None = None
    tail: Annotated[float, Field(gt=1.0)] | None = None
    max_perplexity: Annotated[float, Field(gt=1.0)] | None = None

    @field_validator("model")
    @classmethod
    def _holds_a_model(cls, folder: Path) -> Path:
        missing = [
            name for name in (WEIGHTS, "config.json", "tokenizer.json") if not (folder / name).is_file()
        ]
        if missing:
            raise ValueError(f"{folder} lacks {', '.join(missing)}: not the folder of a language model")
        return folder

    @model_validator(mode="after")
    def _buckets_are_ordered(self) -> Self:
        if (self.head is None) != (self.tail is None):
            raise ValueError("head and tail go together: where the middle begins and where it ends")
        if self.head is not None and self.tail is not None and self.head >= self.tail:
            raise ValueError(f"head ({self.head:g}) must be below tail ({self.tail:g})")
        return self

    def _digest(self, exclude: tuple[str, ...]) -> str:
        own = super()._digest((*exclude, "model"))
        return digest_json(
            [own, digest_file(self.model / WEIGHTS), digest_file(self.model / "tokenizer.json")]
        )

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Adds `perplexity`, `perplexity_bucket` and the verdict."""
        pairs = zip(strings(batch, "document_id"), strings(batch, "text"), strict=True)
        found = [self.measure(text) if self._is_sampled(identifier) else None for identifier, text in pairs]
        measured = with_columns(
            batch,
            perplexity=pa.array(found, pa.float64()),
            perplexity_bucket=pa.array([self._bucket(value) for value in found], pa.string()),
        )
        return with_verdicts(measured, [self._verdict(value) for value in found])

    def measure(self, text: str) -> float | None:
        """Perplexity of the beginning of `text`, to three digits; None for less than two tokens."""
        import torch

        tokenizer, model = _loaded(self.model)
        tokens = tokenizer(text, truncation=True, max_length=self.tokens)["input_ids"]
        if len(tokens) < 2:
            return None
        with torch.inference_mode():
            given = torch.tensor([tokens], device=model.device)
            loss = float(model(input_ids=given, labels=given).loss)
        return float(f"{math.exp(min(loss, 700.0)):.3g}")

    def _is_sampled(self, identifier: str) -> bool:
        return xxhash.xxh3_64_intdigest(identifier.encode()) / 2**64 < self.share

    def _bucket(self, value: float | None) -> str | None:
        if value is None or self.head is None or self.tail is None:
            return None
        return "head" if value < self.head else "tail" if value >= self.tail else "middle"

    def _verdict(self, value: float | None) -> Verdict | None:
        if value is None or self.max_perplexity is None or value <= self.max_perplexity:
            return None
        return Verdict("perplexity", f"{value:g}; most {self.max_perplexity:g}")


@lru_cache(maxsize=1)
def _loaded(folder: Path) -> tuple[Any, Any]:
    return load_tokenizer(folder), load_model(folder, device=choose_device())
