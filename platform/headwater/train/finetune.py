"""LoRA fine-tuning on completions: seeded, resumable after a kill, the same bytes every time.

`python -m headwater.train.finetune --request request.json` runs it as a process of its own; progress goes
to standard output as JSON lines.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock

from headwater.fingerprint import code_version, digest_json, library_versions
from headwater.tables import read_json, write_json
from headwater.train.adapter import add_adapter, save_adapter
from headwater.train.card import Facts, draw_losses, model_card
from headwater.train.config import FineTuning
from headwater.train.loop import Loop, read_examples
from headwater.train.model import choose_device, digest_of, load_model, load_tokenizer, quiet, reproducible
from headwater.train.process import serve
from headwater.workspace import Progress

LIBRARIES = ("peft", "safetensors", "tokenizers", "torch", "transformers")


def finetune(
    config: FineTuning, base_model: Path, training_set: Path, out: Path, scratch: Path, progress: Progress
) -> dict[str, Any]:
    """Fine-tune and write the adapter, `training.json`, `model_card.md` and `loss.png` below `out`.

    `base_model` and `training_set` are folders of those assets. Checkpoints stand in `scratch`, and an
    interrupted call continues from them to the very same bytes. Returns numbers about the run. Raises
    `ValueError` when the train split holds nothing that fits `max_tokens`.
    """
    started = time.monotonic()
    device = choose_device()
    inputs = {"base_model": digest_of(base_model), "training_set": digest_of(training_set)}
    identity = digest_json(
        {
            "config": config.model_dump(mode="json"),
            "inputs": inputs,
            "device": device,
            "code": code_version("headwater.train"),
            "libraries": library_versions(*LIBRARIES),
        }
    )
    scratch.mkdir(parents=True, exist_ok=True)
    with FileLock(scratch / "finetune.lock"), reproducible(config.threads, config.seed):
        progress("loading the base model", 0, 1)
        tokenizer = load_tokenizer(base_model)
        train = read_examples(training_set, "train", tokenizer, config, None)
        validation = read_examples(training_set, "validation", tokenizer, config, config.validation_examples)
        model = load_model(base_model, device=device)
        with quiet():
            model = add_adapter(model, rank=config.rank, alpha=config.alpha, targets=config.targets)
        loop = Loop(config, model, tokenizer.pad_token_id, train, validation)
        resumed_from = loop.resume(scratch, identity)
        history = loop.run(scratch, identity, progress)
        out.mkdir(parents=True, exist_ok=True)
        save_adapter(model, out)
    facts = Facts(
        base=_name_of(base_model),
        inputs=inputs,
        config=config.model_dump(mode="json"),
        history=tuple(history),
        examples=len(train.encoded),
        validation_examples=len(validation.encoded),
        left_out=train.left_out,
        cut=train.cut,
        device=device,
        libraries=library_versions(*LIBRARIES),
    )
    write_json(out / "training.json", facts.as_json())
    (out / "model_card.md").write_text(model_card(facts), encoding="utf-8")
    draw_losses(facts, out / "loss.png")
    return facts.numbers() | {
        "resumed_from": resumed_from,
        "seconds": round(time.monotonic() - started, 1),
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        * (1 if sys.platform == "darwin" else 1024),
    }


def run_request(request: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Run what a request asks: `config`, and the paths of `base_model`, `training_set`, `out`, `scratch`.

    The numbers that `finetune` returns also go to the path `result`, for a caller in another process.
    """
    numbers = finetune(
        FineTuning.model_validate(request["config"]),
        Path(request["base_model"]),
        Path(request["training_set"]),
        Path(request["out"]),
        Path(request["scratch"]),
        progress,
    )
    write_json(Path(request["result"]), numbers)
    return numbers


def _name_of(base_model: Path) -> str:
    """The base model's name as its configuration states it."""
    return str(read_json(base_model / "config.json").get("_model_name_or_path") or "base_model")


if __name__ == "__main__":
    serve(run_request)
