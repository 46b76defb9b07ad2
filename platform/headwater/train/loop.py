"""The training loop: steps, validation and checkpoints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headwater.tables import read_rows
from headwater.train.adapter import set_weights, weights_of
from headwater.train.checkpoint import (
    Checkpoint,
    load_checkpoint,
    moments_of,
    save_checkpoint,
    set_moments,
)
from headwater.train.completion import Encoded, completion_losses, encode
from headwater.train.config import FineTuning
from headwater.train.schedule import batches, learning_rate
from headwater.train.splits import unit_hash
from headwater.workspace import Progress


@dataclass(frozen=True)
class Examples:
    """Examples of one split as tokens; `left_out`: prompt too long, `cut`: answer cut."""

    encoded: list[Encoded]
    names: list[str]
    left_out: int
    cut: int


def read_examples(
    training_set: Path, split: str, tokenizer: Any, config: FineTuning, limit: int | None
) -> Examples:
    """The examples of a split in hashed order, the first `limit` of them, as tokens.

    Raises `ValueError` when nothing of the train split fits `max_tokens`.
    """
    rows = [row for row in read_rows(training_set) if row["split"] == split]
    rows.sort(key=lambda row: (unit_hash(config.seed, row["example_id"]), row["example_id"]))
    encoded: list[Encoded] = []
    names: list[str] = []
    left_out = cut = 0
    for row in rows[:limit]:
        example = encode(tokenizer, row["prompt"], row["completion"], config.max_tokens)
        if example is None:
            left_out += 1
            continue
        cut += example.ids[-1] != tokenizer.eos_token_id
        encoded.append(example)
        names.append(row["example_id"])
    if split == "train" and not encoded:
        raise ValueError(
            f"max_tokens: none of {len(rows)} training examples has a prompt below {config.max_tokens} tokens"
        )
    return Examples(encoded, names, left_out, cut)


class Loop:
    """The model, its optimizer and what happened so far."""

    def __init__(
        self, config: FineTuning, model: Any, pad_token_id: int, train: Examples, validation: Examples
    ) -> None:
        import torch

        self.config = config
        self.model = model
        self.pad = pad_token_id
        self.train = train
        self.validation = validation
        self.plan = batches(
            [len(example.ids) for example in train.encoded],
            train.names,
            batch_size=config.batch_size,
            steps=config.steps,
            seed=config.seed,
        )
        self.parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.optimizer = torch.optim.AdamW(
            self.parameters, lr=config.learning_rate, weight_decay=config.weight_decay, foreach=False
        )
        self.history: list[dict[str, Any]] = []

    def resume(self, scratch: Path, identity: str) -> int:
        """Take up the checkpoint of this computation; returns the step after which it stands, or 0."""
        checkpoint = load_checkpoint(scratch, identity)
        if checkpoint is None:
            return 0
        set_weights(self.model, checkpoint.adapter)
        set_moments(self.optimizer, checkpoint.moments)
        self.history = checkpoint.history
        return checkpoint.step

    def run(self, scratch: Path, identity: str, progress: Progress) -> list[dict[str, Any]]:
        """Do the steps that are left; returns one entry per step, from step 0, the untrained model."""
        if not self.history:
            self.history = [{"step": 0} | self._validate()]
        while self.done < self.config.steps:
            entry = self._step(self.done + 1)
            last = entry["step"] == self.config.steps
            if last or entry["step"] % self.config.evaluate_every == 0:
                entry |= self._validate()
            self.history.append(entry)
            if last or entry["step"] % self.config.checkpoint_every == 0:
                save_checkpoint(
                    scratch,
                    identity,
                    Checkpoint(self.done, self.history, weights_of(self.model), moments_of(self.optimizer)),
                )
            progress(f"training, loss {entry['loss']:.3f}", self.done, self.config.steps)
        return self.history

    @property
    def done(self) -> int:
        """How many steps were made."""
        return int(self.history[-1]["step"])

    def _step(self, step: int) -> dict[str, Any]:
        import torch

        examples = [self.train.encoded[index] for index in self.plan[step - 1]]
        tokens = sum(example.completion_tokens for example in examples)
        rate = learning_rate(
            step, peak=self.config.learning_rate, warmup=self.config.warmup, steps=self.config.steps
        )
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.model.train()
        loss = 0.0
        for part in _parts(examples, self.config.micro_batch_size):
            share = completion_losses(self.model, part, self.pad).sum() / tokens
            share.backward()
            loss += share.item()
        torch.nn.utils.clip_grad_norm_(self.parameters, self.config.max_gradient_norm, foreach=False)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return {"step": step, "loss": loss, "tokens": tokens, "learning_rate": rate}

    def _validate(self) -> dict[str, Any]:
        """Mean loss per completion token on the validation examples; nothing when there are none."""
        import torch

        if not self.validation.encoded:
            return {}
        self.model.eval()
        ordered = sorted(self.validation.encoded, key=lambda example: len(example.ids))
        total = 0.0
        with torch.inference_mode():
            for part in _parts(ordered, 2 * self.config.micro_batch_size):
                total += completion_losses(self.model, part, self.pad).sum().item()
        return {"validation_loss": total / sum(example.completion_tokens for example in ordered)}


def _parts(examples: Sequence[Encoded], size: int) -> list[Sequence[Encoded]]:
    return [examples[start : start + size] for start in range(0, len(examples), size)]
