"""Text from the language model while it is made: one token at a time, sampled, cut at stop strings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import torch

    from headwater.train.generate import Generator

Finish = Literal["stop", "length"]

UNFINISHED = "\ufffd"
"""What a decoder writes for the first bytes of a character whose rest is in the next token."""


@dataclass(frozen=True)
class Sampling:
    """How tokens are chosen. At temperature 0 the likeliest one is, and the seed does not matter.

    Above 0 the same seed gives the same text. `top_p` keeps the likeliest tokens that hold this much
    probability together (nucleus sampling: Holtzman et al., ICLR 2020).
    """

    max_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    stop: tuple[str, ...] = ()


@dataclass(frozen=True)
class Piece:
    """Text that was just made, perhaps none, the tokens made so far, and in the last piece why it ended."""

    text: str
    tokens: int
    finish: Finish | None = None


def pieces(generator: Generator, prompt: Sequence[int], sampling: Sampling) -> Iterator[Piece]:
    """Continue a prompt, one piece per token. The last piece, and no other, has `finish`."""
    tokenizer: Any = generator.tokenizer
    end = tokenizer.eos_token_id
    made: list[int] = []
    cutter = StopCutter(sampling.stop)
    finish: Finish = "length"
    for token in _tokens(generator.model, prompt, sampling):
        if token == end:
            finish = "stop"
            break
        made.append(token)
        text: str = tokenizer.decode(made, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        fresh = cutter.feed(text.rstrip(UNFINISHED))
        if cutter.stopped:
            yield Piece(fresh, len(made), "stop")
            return
        yield Piece(fresh, len(made))
    text = tokenizer.decode(made, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    rest = cutter.finish(text)
    yield Piece(rest, len(made), "stop" if cutter.stopped else finish)


class StopCutter:
    """Gives text out as it grows, and nothing from the first stop string on.

    What may be the beginning of a stop string is held back until the next text decides.
    """

    def __init__(self, stop: Sequence[str]) -> None:
        self._stop = [mark for mark in stop if mark]
        self._given = 0
        self.stopped = False

    def feed(self, text: str) -> str:
        """What can be given out now that the whole text is `text`, which begins with what it was before."""
        open_from = len(text) - self._undecided(text)
        end = self._first_stop(text)
        # A longer stop string may have begun before the one that is complete.
        self.stopped = end is not None and end <= open_from
        return self._give(text, open_from if end is None else min(end, open_from))

    def finish(self, text: str) -> str:
        """The rest, now that no more text comes."""
        end = self._first_stop(text)
        self.stopped = end is not None
        return self._give(text, len(text) if end is None else end)

    def _first_stop(self, text: str) -> int | None:
        ends = [position for mark in self._stop if (position := text.find(mark)) >= 0]
        return min(ends) if ends else None

    def _give(self, text: str, until: int) -> str:
        fresh = text[self._given : until]
        self._given = max(self._given, until)
        return fresh

    def _undecided(self, text: str) -> int:
        longest = max((len(mark) for mark in self._stop), default=1) - 1
        for length in range(min(longest, len(text)), 0, -1):
            if any(mark.startswith(text[-length:]) for mark in self._stop):
                return length
        return 0


def _tokens(model: Any, prompt: Sequence[int], sampling: Sampling) -> Iterator[int]:
    """Tokens that follow, at most `max_tokens`, the end token included; each step sees only the new one."""
    import torch

    device = next(model.parameters()).device
    chance = torch.Generator(device=device).manual_seed(sampling.seed)
    ids = torch.tensor([list(prompt)], device=device)
    past: Any = None
    for _ in range(sampling.max_tokens):
        # Entered for each token: the mode belongs to the thread, and a suspended iterator would keep it on.
        with torch.inference_mode():
            out: Any = model(input_ids=ids, past_key_values=past, use_cache=True, logits_to_keep=1)
            past = out.past_key_values
            token = _choose(out.logits[0, -1].float(), sampling, chance)
            ids = torch.tensor([[token]], device=device)
        yield token


def _choose(logits: torch.Tensor, sampling: Sampling, chance: torch.Generator) -> int:
    import torch

    if sampling.temperature == 0.0:
        return int(logits.argmax())
    chances = torch.softmax(logits / sampling.temperature, dim=-1)
    if sampling.top_p < 1.0:
        ordered, order = chances.sort(descending=True)
        before = ordered.cumsum(0) - ordered
        chances = torch.zeros_like(chances).scatter(0, order, ordered * (before < sampling.top_p))
    return int(torch.multinomial(chances, 1, generator=chance))
