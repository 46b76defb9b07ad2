"""Conversations in tokens: a single question exactly as `headwater ask` and the training have it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from headwater.train.completion import encode_prompt
from headwater.train.prompt import SYSTEM

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True)
class Message:
    """One turn of a conversation."""

    role: Role
    text: str


def conversation_tokens(tokenizer: Any, messages: Sequence[Message], prompt: str) -> list[int]:
    """The conversation up to where the answer begins; `prompt` stands for the last message.

    The client's system message replaces the one of the training.
    """
    if len(messages) == 1:
        return encode_prompt(tokenizer, prompt)
    turns = [{"role": message.role, "content": message.text} for message in messages[:-1]]
    if turns[0]["role"] != "system":
        turns.insert(0, {"role": "system", "content": SYSTEM})
    turns.append({"role": "user", "content": prompt})
    text = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    return plain_tokens(tokenizer, text)


def plain_tokens(tokenizer: Any, text: str) -> list[int]:
    """A text in tokens, as it stands."""
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])
