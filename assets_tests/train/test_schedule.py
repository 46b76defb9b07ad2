from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.train.schedule import WINDOW_BATCHES, batches, learning_rate


@given(st.lists(st.integers(1, 200), min_size=1, max_size=60), st.integers(1, 8), st.integers(1, 40))
def test_batches_are_full_and_use_examples_evenly(lengths: list[int], size: int, steps: int):
    names = [f"example {number}" for number in range(len(lengths))]
    plan = batches(lengths, names, batch_size=size, steps=steps, seed=3)
    assert len(plan) == steps
    assert all(len(batch) == size for batch in plan)
    if steps % WINDOW_BATCHES == 0:
        counts = Counter(index for batch in plan for index in batch)
        assert max(counts.values()) - min(counts.get(index, 0) for index in range(len(lengths))) <= 1


def test_more_steps_begin_with_the_same_steps():
    lengths, names = list(range(1, 101)), [str(number) for number in range(100)]
    short = batches(lengths, names, batch_size=4, steps=10, seed=0)
    assert batches(lengths, names, batch_size=4, steps=30, seed=0)[:10] == short
    assert batches(lengths, names, batch_size=4, steps=10, seed=1) != short


def test_similar_lengths_share_a_batch():
    lengths = [10, 100] * 40
    plan = batches(lengths, [str(number) for number in range(80)], batch_size=4, steps=20, seed=0)
    mixed = [batch for batch in plan if len({lengths[index] for index in batch}) > 1]
    assert len(mixed) <= len(plan) / 4


def test_no_examples_is_an_error():
    with pytest.raises(ValueError, match="no example"):
        batches([], [], batch_size=1, steps=1, seed=0)


def test_learning_rate_climbs_to_its_peak_and_falls_to_almost_nothing():
    rates = [learning_rate(step, peak=1.0, warmup=4, steps=40) for step in range(1, 41)]
    assert rates[:4] == [0.25, 0.5, 0.75, 1.0]
    assert rates[4:] == sorted(rates[4:], reverse=True)
    assert 0 < rates[-1] < 0.01
    assert learning_rate(1, peak=0.5, warmup=0, steps=10) == 0.5
