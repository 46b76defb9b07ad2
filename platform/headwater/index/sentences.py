"""Sentences of a text, as far as picking one for a question needs them."""

from __future__ import annotations

import re

MIN_WORDS, MAX_WORDS = 5, 30
"""A known-item question: long enough to be about something, short enough to be asked."""

_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+")


def sentences(text: str) -> list[str]:
    """Stripped sentences, cut at sentence ends and line breaks."""
    return [part.strip() for part in _END.split(text) if part and part.strip()]


def middle_sentence(text: str) -> str | None:
    """The sentence of 5 to 30 words nearest to the middle of the text, the earlier one of two; or None."""
    candidates = sentences(text)
    middle = (len(candidates) - 1) / 2
    fitting = [
        (abs(index - middle), index)
        for index, sentence in enumerate(candidates)
        if MIN_WORDS <= len(sentence.split()) <= MAX_WORDS
    ]
    return candidates[min(fitting)[1]] if fitting else None
