"""What one model does with the examples it is judged on: losses and answers. Run as a worker process."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headwater.fingerprint import code_version, digest_json, library_versions
from headwater.tables import read_json, write_json
from headwater.train.completion import completion_losses, encode
from headwater.train.generate import Generator
from headwater.train.model import digest_of, reproducible
from headwater.train.process import serve
from headwater.workspace import Progress

LIBRARIES = ("peft", "safetensors", "tokenizers", "torch", "transformers")


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


def judge_request(
    name: str,
    base_model: Path,
    adapter: Path | None,
    rows: Sequence[Mapping[str, Any]],
    settings: Mapping[str, int],
    threads: int,
    folder: Path,
) -> Mapping[str, Any]:
    """What is asked of one model, as JSON: `settings` are those of `judge`.

    The result will stand in `folder` under a name that says everything it depends on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    asked = {
        "rows": [{"prompt": row["prompt"], "completion": row["completion"]} for row in rows],
        "settings": dict(settings),
        "threads": threads,
    }
    key = digest_json(
        {
            **asked,
            "base_model": digest_of(base_model),
            "adapter": digest_of(adapter) if adapter else None,
            "code": code_version("headwater.train", "headwater.evaluate.judge"),
            "libraries": library_versions(*LIBRARIES),
        }
    )
    return {
        **asked,
        "name": name,
        "base_model": str(base_model),
        "adapter": str(adapter) if adapter else None,
        "result": str(folder / f"judged-{key}.json"),
    }


def run_request(request: Mapping[str, Any], progress: Progress) -> None:
    """Run what `judge_request` made; leave a `Judged` at its path `result`."""
    name, adapter, result = request["name"], request["adapter"], Path(request["result"])
    with reproducible(request["threads"]):
        found = judge(
            Path(request["base_model"]),
            Path(adapter) if adapter else None,
            request["rows"],
            **request["settings"],
            progress=lambda what, done, total: progress(f"{what} {name} fine-tuning", done, total),
        )
    partial = result.with_name(f"{result.name}.{os.getpid()}.partial")
    write_json(partial, vars(found))
    partial.replace(result)


def read_judged(path: Path) -> Judged:
    """What `run_request` left."""
    return Judged(**read_json(path))


def _losses(generator: Generator, batch: Sequence[Any]) -> list[float]:
    import torch

    with torch.inference_mode():
        return completion_losses(generator.model, batch, generator.tokenizer.pad_token_id).tolist()


if __name__ == "__main__":
    serve(run_request)
