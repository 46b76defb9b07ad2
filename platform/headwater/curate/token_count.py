"""Counting the tokens of documents with a model's tokenizer."""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar, cast

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, field_validator

from headwater.curate.step import StepSettings, with_columns
from headwater.curate.tokens import TokenCounter, tokenizer_file
from headwater.fingerprint import digest_file, digest_json

BATCH_BYTES = 8 << 20


class CountTokens(StepSettings):
    """Adds `tokens`: how many tokens a document has, those that a model adds around it not counted.

    `tokenizer` is a path to a `tokenizer.json`, or `package:path inside it`. With the extra `tokens`
    byte-level BPE tokenizers (GPT-2, Llama 3, SmolLM …) are counted by gigatoken straight from the column;
    others, and all without it, by Hugging Face's tokenizers. Both give the same numbers.
    """

    name: ClassVar[str] = "tokens"
    modules: ClassVar[tuple[str, ...]] = ("headwater.curate.tokens",)
    libraries: ClassVar[tuple[str, ...]] = ("tokenizers",)
    tokenizer: str = Field(description="A tokenizer.json: its path, or package:path inside it")

    @field_validator("tokenizer")
    @classmethod
    def _exists(cls, place: str) -> str:
        tokenizer_file(place)
        return place

    def _digest(self, exclude: tuple[str, ...]) -> str:
        return digest_json([super()._digest(exclude), digest_file(tokenizer_file(self.tokenizer))])

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Adds `tokens`; refuses nothing."""
        texts = batch.column("text")
        fast = _fast_counter(self.tokenizer)
        if fast is None:
            counter = _counter(self.tokenizer)
            counts = [count - counter.added for count in counter.counts(texts.to_pylist())]
            return with_columns(batch, tokens=pa.array(counts, pa.int64()))
        return with_columns(batch, tokens=_counted(fast, texts))


def _counted(tokenizer: Any, texts: pa.Array) -> pa.Array:
    import awkward

    found: list[pa.Array] = []
    begin = size = 0
    for at, length in enumerate(pc.binary_length(texts).to_pylist()):  # pyright: ignore[reportAttributeAccessIssue]
        size += length
        if size >= BATCH_BYTES or at == len(texts) - 1:
            part = _strings(texts.slice(begin, at + 1 - begin))
            found.append(
                pa.array(awkward.num(tokenizer.encode_batch(part, parallel=False)).to_numpy(), pa.int64())
            )
            begin, size = at + 1, 0
    return pa.concat_arrays(found) if found else pa.array([], pa.int64())


def _strings(texts: pa.Array) -> Any:
    """The column in the one layout that gigatoken takes, without a copy of the text."""
    import awkward

    from headwater.curate.kernels.buffers import TextBuffers

    buffers = TextBuffers.of(texts)
    characters = awkward.contents.NumpyArray(cast(Any, buffers.data), parameters={"__array__": "char"})
    ends = awkward.index.Index64(buffers.offsets)
    return awkward.Array(
        awkward.contents.ListOffsetArray(ends, characters, parameters={"__array__": "string"})
    )


@cache
def _counter(place: str) -> TokenCounter:
    return TokenCounter.load(place)


@cache
def _fast_counter(place: str) -> Any:
    """gigatoken's reading of the tokenizer, or None where it is not installed or cannot read this kind."""
    try:
        import gigatoken
        from tokenizers import Tokenizer
    except ImportError:
        return None
    tokenizer = Tokenizer.from_file(str(tokenizer_file(place)))
    if type(tokenizer.model).__name__ != "BPE" or tokenizer.normalizer is not None:
        return None
    try:
        return gigatoken.Tokenizer(tokenizer)
    except (ValueError, NotImplementedError):
        return None
