"""How usual questions are to a release's base model: perplexity of a sample."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from headwater.monitor.clusters import Floats

TOKENS = 64
"""Of each question, from its beginning. A profile's values and a window's must agree in it: another number is
another format of profiles."""
BATCH_TEXTS = 8
"""On one core 8 texts at once take half the time of one by one, and 32 hardly less than 8."""


def prompt_perplexity(
    base_model: Path, texts: Sequence[str], most: int, generator: np.random.Generator
) -> Floats:
    """Perplexity of at most `most` texts, drawn by the generator: float32 [texts], NaN for the others.

    Under the base model without an adapter, which no refresh replaces: what taught the adapter would move the
    values of equal questions. To three digits, on one thread: about 3 ms of CPU a token for 135 million
    parameters. NaN as well for texts of less than two tokens.
    """
    from headwater.train.model import choose_device, load_model, load_tokenizer, reproducible

    found = np.full(len(texts), np.nan, dtype=np.float32)
    drawn = sorted(map(int, generator.permutation(len(texts))[:most]))
    if not drawn:
        return found
    tokenizer = load_tokenizer(base_model)
    encoded = tokenizer([texts[place] for place in drawn], truncation=True, max_length=TOKENS)["input_ids"]
    tokens = {place: ids for place, ids in zip(drawn, encoded, strict=True) if len(ids) > 1}
    order = sorted(tokens, key=lambda place: (len(tokens[place]), place))
    with reproducible(1):
        model = load_model(base_model, device=choose_device())
        for start in range(0, len(order), BATCH_TEXTS):
            batch = order[start : start + BATCH_TEXTS]
            found[batch] = _perplexities(model, [tokens[place] for place in batch], tokenizer.pad_token_id)
    return found


def _perplexities(model: object, batch: Sequence[Sequence[int]], pad_token_id: int) -> list[float]:
    import torch

    from headwater.train.completion import Encoded, completion_losses

    with torch.inference_mode():
        losses = completion_losses(model, [Encoded(tuple(ids), 1) for ids in batch], pad_token_id).tolist()
    means = [loss / (len(ids) - 1) for loss, ids in zip(losses, batch, strict=True)]
    return [float(f"{math.exp(min(mean, 80.0)):.3g}") for mean in means]
