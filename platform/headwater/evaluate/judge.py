"""What one model does with the examples it is judged on: losses and answers, remembered by content."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headwater.tables import read_json, write_json
from headwater.train.completion import completion_losses, encode
from headwater.train.generate import Generator
from headwater.workspace import Progress


@dataclass(frozen=True)
class Judged:
    """Summed loss (nats) and completion tokens of each example, and answers to the first ones.

    An example whose prompt alone is too long has 0 tokens and loss 0.
    """

    losses: list[float]
    tokens: list[int]
    answers: list[str]


def judge(
    base_model: Path,
    adapter: Path | None,
    rows: Sequence[Mapping[str, Any]],
    *,
    max_tokens: int,
    max_generated: int,
    max_new_tokens: int,
    batch_size: int,
    progress: Progress,
) -> Judged:
    """Run the model over rows of a training set. Examples of similar length share a batch."""
    generator = Generator(base_model, adapter)
    losses = [0.0] * len(rows)
    tokens = [0] * len(rows)
    encoded = [
        (example, index)
        for index, row in enumerate(rows)
        if (example := encode(generator.tokenizer, row["prompt"], row["completion"], max_tokens))
    ]
    encoded.sort(key=lambda pair: (len(pair[0].ids), pair[1]))
    size = max(1, batch_size // 4)
    for start in range(0, len(encoded), size):
        batch = encoded[start : start + size]
        summed = _losses(generator, [example for example, _ in batch])
        for (example, index), loss in zip(batch, summed, strict=True):
            losses[index], tokens[index] = loss, example.completion_tokens
        progress("losses", start + len(batch), len(encoded))
    prompts = [row["prompt"] for row in rows[:max_generated]]
    answers = generator.generate(prompts, max_new_tokens, batch_size=batch_size, progress=progress)
    return Judged(losses, tokens, answers)


def remembered(folder: Path, key: str, compute: Callable[[], Judged]) -> Judged:
    """What stands in `folder` under `key`, else what `compute` gives, written there in one move."""
    path = folder / f"judged-{key}.json"
    if not path.is_file():
        partial = path.with_suffix(".partial")
        write_json(partial, vars(compute()))
        partial.replace(path)
    return Judged(**read_json(path))


def _losses(generator: Generator, batch: Sequence[Any]) -> list[float]:
    import torch

    with torch.inference_mode():
        return completion_losses(generator.model, batch, generator.tokenizer.pad_token_id).tolist()
