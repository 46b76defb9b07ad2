"""Greedy generation in batches, for evaluation and for `ask`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from headwater.train.completion import encode_prompt
from headwater.train.model import load_model, load_tokenizer
from headwater.workspace import Progress

BATCH_SIZE = 16


class Generator:
    """A base model with an optional adapter folded in, ready to answer prompts made by `format_prompt`."""

    def __init__(
        self, base_folder: Path, adapter_folder: Path | None = None, *, device: str | None = None
    ) -> None:
        self.tokenizer = load_tokenizer(base_folder)
        self.model = load_model(base_folder, adapter_folder, device=device, merge=True)

    def generate(
        self,
        prompts: Sequence[str],
        max_new_tokens: int = 64,
        stop: Sequence[str] = (),
        *,
        batch_size: int = BATCH_SIZE,
        progress: Progress | None = None,
    ) -> list[str]:
        """One answer per prompt, in the prompts' order, without special tokens and surrounding space.

        Always takes the likeliest token. Prompts of similar length share a batch, padded on the left. An
        answer ends at the model's end token, at the first of `stop`, or after `max_new_tokens`.
        """
        encoded = [encode_prompt(self.tokenizer, prompt) for prompt in prompts]
        order = sorted(range(len(prompts)), key=lambda index: (len(encoded[index]), index))
        answers = [""] * len(prompts)
        for start in range(0, len(order), batch_size):
            chosen = order[start : start + batch_size]
            for index, tokens in zip(
                chosen, self._continue([encoded[index] for index in chosen], max_new_tokens), strict=True
            ):
                answers[index] = cut(self.tokenizer.decode(tokens, skip_special_tokens=True), stop)
            if progress is not None:
                progress("generated answers", start + len(chosen), len(order))
        return answers

    def _continue(self, prompts: Sequence[list[int]], max_new_tokens: int) -> list[list[int]]:
        import torch

        pad = self.tokenizer.pad_token_id
        longest = max(len(prompt) for prompt in prompts)
        ids = torch.tensor([[pad] * (longest - len(prompt)) + prompt for prompt in prompts])
        mask = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts])
        device = next(self.model.parameters()).device
        with torch.inference_mode():
            out: Any = self.model.generate(
                input_ids=ids.to(device),
                attention_mask=mask.to(device),
                max_new_tokens=max_new_tokens,
                do_sample=False,
                pad_token_id=pad,
                eos_token_id=self.tokenizer.eos_token_id,
            )
        return [self._until_end(row) for row in out[:, longest:].tolist()]

    def _until_end(self, tokens: list[int]) -> list[int]:
        end = self.tokenizer.eos_token_id
        return tokens[: tokens.index(end)] if end in tokens else tokens


def cut(answer: str, stop: Sequence[str]) -> str:
    """`answer` up to the first occurrence of any of `stop`, stripped."""
    ends = [answer.find(mark) for mark in stop if mark and mark in answer]
    return answer[: min(ends)].strip() if ends else answer.strip()
