"""Examples as tokens, and the loss on their completions alone: used by training and by evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from headwater.train.prompt import chat

IGNORED = -100
"""Target of a position that does not count, as PyTorch's cross entropy has it."""


@dataclass(frozen=True)
class Encoded:
    """One example: the prompt's tokens, then those of the completion with its end token."""

    ids: tuple[int, ...]
    prompt_tokens: int

    @property
    def completion_tokens(self) -> int:
        """Number of tokens on which the loss is taken."""
        return len(self.ids) - self.prompt_tokens


def encode_prompt(tokenizer: Any, prompt: str) -> list[int]:
    """Tokens of the chat up to where the assistant's answer begins."""
    text = tokenizer.apply_chat_template(chat(prompt), tokenize=False, add_generation_prompt=True)
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def encode(tokenizer: Any, prompt: str, completion: str, max_tokens: int) -> Encoded | None:
    """The example in at most `max_tokens` tokens, or None when the prompt alone does not leave room for one.

    The prompt is never cut. A completion that is too long loses its end, and then has no end token, so that
    the model does not learn to stop in the middle.
    """
    head = encode_prompt(tokenizer, prompt)
    if len(head) >= max_tokens:
        return None
    answer = [*tokenizer(completion, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
    return Encoded(tuple([*head, *answer][:max_tokens]), len(head))


def completion_losses(model: Any, batch: Sequence[Encoded], pad_token_id: int) -> Any:
    """Summed negative log-likelihood (nats) of each completion: a tensor `[len(batch)]` with its gradient.

    Only the positions before a completion token go through the output layer, which is a fifth of the model.
    """
    import torch
    from torch.nn import functional

    longest = max(len(example.ids) for example in batch)
    ids = torch.full((len(batch), longest), pad_token_id)
    targets = torch.full((len(batch), longest), IGNORED)
    mask = torch.zeros((len(batch), longest), dtype=torch.long)
    for row, example in enumerate(batch):
        tokens = torch.tensor(example.ids)
        ids[row, : len(tokens)] = tokens
        mask[row, : len(tokens)] = 1
        targets[row, example.prompt_tokens - 1 : len(tokens) - 1] = tokens[example.prompt_tokens :]
    device = next(model.parameters()).device
    hidden = decoder_of(model)(input_ids=ids.to(device), attention_mask=mask.to(device)).last_hidden_state
    targets = targets.to(device)
    counted = targets != IGNORED
    logits = model.get_output_embeddings()(hidden[counted])
    each = functional.cross_entropy(logits.float(), targets[counted], reduction="none")
    rows = counted.nonzero()[:, 0]
    return torch.zeros(len(batch), device=device).index_add(0, rows, each)


def decoder_of(model: Any) -> Any:
    """The layers below the output layer, of a plain model or of one with an adapter."""
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    return inner.get_decoder()
