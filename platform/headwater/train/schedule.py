"""What a training step does, known beforehand from the configuration: its examples and its learning rate."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from headwater.train.splits import unit_hash

WINDOW_BATCHES = 8


def batches(
    lengths: Sequence[int], names: Sequence[str], *, batch_size: int, steps: int, seed: int
) -> list[list[int]]:
    """The examples (indices) of every step.

    Every epoch has its own hashed order. Within a window of 8 batches, examples of similar length share a
    batch, which saves padding, and the batches are in hashed order again. An epoch's rest joins the next one,
    so every batch is full. Raises `ValueError` without examples.
    """
    if not lengths:
        raise ValueError("there is no example to train on")
    stream = _epochs(names, seed)
    plan: list[list[int]] = []
    while len(plan) < steps:
        window = [next(stream) for _ in range(batch_size * WINDOW_BATCHES)]
        window.sort(key=lambda index: (lengths[index], names[index]))
        cut = [window[start : start + batch_size] for start in range(0, len(window), batch_size)]
        first = len(plan)
        places = sorted(range(len(cut)), key=lambda place: unit_hash(seed, f"batch:{first}:{place}"))
        plan.extend(cut[place] for place in places)
    return plan[:steps]


def learning_rate(step: int, *, peak: float, warmup: int, steps: int) -> float:
    """Rate of step 1, 2, …, `steps`: a line up to `peak`, then half a cosine that ends near 0.

    After Loshchilov and Hutter, SGDR, ICLR 2017, without restarts.
    """
    if step <= warmup:
        return peak * step / warmup
    return peak * 0.5 * (1.0 + math.cos(math.pi * (step - warmup - 1) / max(1, steps - warmup)))


def _epochs(names: Sequence[str], seed: int) -> Iterator[int]:
    epoch = 0
    while True:
        yield from sorted(
            range(len(names)), key=lambda index: (unit_hash(seed, f"{epoch}:{names[index]}"), names[index])
        )
        epoch += 1
