"""A BERT encoder for inference: token ids to unit vectors.

Mean pooled as in Sentence-BERT (Reimers and Gurevych, 2019).

Written out rather than imported: it starts three CPU seconds sooner than the general library, which counts
in every worker process and every search, and it decides itself about shapes and masks, on which the last
bits of a vector depend. A test holds it to the general library's numbers.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch

METHOD = "bert, mean of tokens, unit norm, float32"
"""Part of every embedder's fingerprint: a change that moves vectors by more than rounding changes this."""

Ids = npt.NDArray[np.int64]
Vectors = npt.NDArray[np.float32]


class Encoder:
    """The weights of a BERT model, read by memory map, on a GPU if there is one."""

    def __init__(self, folder: Path) -> None:
        """Load `config.json` and `model.safetensors`.

        Raises `ValueError` for a model that is no BERT with absolute positions and GELU.
        """
        import torch
        from safetensors.torch import load_file

        config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        _require_bert(config, folder)
        self.dimensions = int(config["hidden_size"])
        self.max_positions = int(config["max_position_embeddings"])
        self._heads = int(config["num_attention_heads"])
        self._epsilon = float(config["layer_norm_eps"])
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        weights = load_file(folder / "model.safetensors", device=str(self._device))
        weights = {name.removeprefix("bert."): tensor.float() for name, tensor in weights.items()}
        self._words = weights["embeddings.word_embeddings.weight"]
        self._positions = (
            weights["embeddings.position_embeddings.weight"]
            + weights["embeddings.token_type_embeddings.weight"][0]
        )
        self._norm = _pair(weights, "embeddings.LayerNorm")
        self._layers = [_Layer(weights, index) for index in range(int(config["num_hidden_layers"]))]

    def __call__(self, ids: Ids, mask: npt.NDArray[np.bool_]) -> Vectors:
        """Unit vectors, float32 [rows, dimensions], of token ids [rows, length]; `mask` is true at tokens.

        On one machine a row's bits depend on that row, the number of rows and the length alone: every
        product has the same shape, and the mask is passed also where nothing is masked.
        """
        import torch
        from torch.nn import functional

        with torch.inference_mode(), _one_thread():
            tokens = torch.from_numpy(ids).to(self._device)
            kept = torch.from_numpy(mask).to(self._device)
            rows, length = tokens.shape
            attended = kept[:, None, None, :].expand(rows, 1, length, length)
            hidden = self._normalize(self._words[tokens] + self._positions[:length], self._norm)
            for layer in self._layers:
                hidden = self._apply(layer, hidden, attended)
            weight = kept.unsqueeze(-1).float()
            pooled = (hidden * weight).sum(dim=1) / weight.sum(dim=1)
            return functional.normalize(pooled, dim=1).cpu().numpy()

    def _apply(self, layer: _Layer, hidden: torch.Tensor, attended: torch.Tensor) -> torch.Tensor:
        from torch.nn import functional

        rows, length, width = hidden.shape
        projected = functional.linear(hidden, *layer.attention)
        heads = projected.view(rows, length, 3, self._heads, width // self._heads).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(heads[0], heads[1], heads[2], attn_mask=attended)
        mixed = mixed.transpose(1, 2).reshape(rows, length, width)
        hidden = self._normalize(hidden + functional.linear(mixed, *layer.output), layer.output_norm)
        inner = functional.gelu(functional.linear(hidden, *layer.up))
        return self._normalize(hidden + functional.linear(inner, *layer.down), layer.down_norm)

    def _normalize(self, values: torch.Tensor, pair: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        from torch.nn import functional

        return functional.layer_norm(values, (self.dimensions,), *pair, self._epsilon)


class _Layer:
    """One transformer layer's weights; query, key and value are one matrix."""

    def __init__(self, weights: dict[str, torch.Tensor], index: int) -> None:
        import torch

        prefix = f"encoder.layer.{index}."
        parts = [_pair(weights, f"{prefix}attention.self.{name}") for name in ("query", "key", "value")]
        self.attention = (torch.cat([part[0] for part in parts]), torch.cat([part[1] for part in parts]))
        self.output = _pair(weights, f"{prefix}attention.output.dense")
        self.output_norm = _pair(weights, f"{prefix}attention.output.LayerNorm")
        self.up = _pair(weights, f"{prefix}intermediate.dense")
        self.down = _pair(weights, f"{prefix}output.dense")
        self.down_norm = _pair(weights, f"{prefix}output.LayerNorm")


def _pair(weights: dict[str, torch.Tensor], name: str) -> tuple[torch.Tensor, torch.Tensor]:
    return weights[f"{name}.weight"], weights[f"{name}.bias"]


def _require_bert(config: dict[str, Any], folder: Path) -> None:
    expected = {"model_type": "bert", "hidden_act": "gelu"}
    found = {name: config.get(name) for name in expected}
    found_positions = config.get("position_embedding_type", "absolute")
    if found != expected or found_positions != "absolute":
        raise ValueError(
            f"the embedding model in {folder.parent.name}/{folder.name} must be a BERT with GELU and "
            f"absolute positions, found {found} and {found_positions} positions"
        )


@contextmanager
def _one_thread() -> Generator[None]:
    """Two threads cost twice the CPU for no gain at these sizes, and sums split over threads differ."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
