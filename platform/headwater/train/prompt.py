"""The wording of every prompt, in one place for training, evaluation and `ask`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

SYSTEM = "Answer from the passages. If a command does the task, give the command alone."
"""Replaces the system message that the base model's chat template would put in otherwise."""

MAX_PASSAGE_WORDS = 28
"""About 40 tokens of English with a 49,152-piece BPE; three passages and a question stay below 200."""

_SENTENCE_END = re.compile(r"(?<=[.!?。！？])\s+(?=\S)|\n\s*\n")
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|etc|vs|cf|approx|no)|\b[A-Z])\.$", re.IGNORECASE)


@dataclass(frozen=True)
class Passage:
    """What the model is given of a document: its title and a short text on one line."""

    title: str
    text: str


def passage_of(title: str, text: str, max_words: int = MAX_PASSAGE_WORDS) -> Passage:
    """The first sentence of `text` without a repeated title, at most `max_words` words, on one line.

    For a document or a retrieved chunk alike. A cut sentence ends with an ellipsis.
    """
    name = " ".join(title.split())
    body = text.strip()
    if name and body.startswith(name):
        body = body[len(name) :]
    words = first_sentence(body).split()
    cut = " ".join(words[:max_words]) + (" …" if len(words) > max_words else "")
    return Passage(name, cut)


def first_sentence(text: str) -> str:
    """Text up to the first end of a sentence that is no abbreviation, or up to the first blank line."""
    body = text.strip()
    for match in _SENTENCE_END.finditer(body):
        head = body[: match.start()]
        if "\n" in match.group() or not _ABBREVIATION.search(head):
            return head
    return body


def format_prompt(question: str, passages: Sequence[Passage]) -> str:
    """What the user says: numbered passages, then the question; the question alone without passages."""
    asked = " ".join(question.split())
    if not passages:
        return asked
    lines = [
        f"[{number}] {passage.title}: {passage.text}" if passage.title else f"[{number}] {passage.text}"
        for number, passage in enumerate(passages, 1)
    ]
    return "\n".join([*lines, f"Question: {asked}"])


def chat(prompt: str, completion: str | None = None) -> list[dict[str, str]]:
    """The messages of one turn; with `completion` they end with the assistant's answer."""
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": prompt}]
    if completion is not None:
        messages.append({"role": "assistant", "content": completion})
    return messages
