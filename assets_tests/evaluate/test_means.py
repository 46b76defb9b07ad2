from __future__ import annotations

import numpy as np
import pytest

from headwater.evaluate.group_bootstrap import GroupBootstrap


def bootstrap(groups: list[str], seed: int = 0) -> GroupBootstrap:
    return GroupBootstrap(groups, resamples=2000, confidence=0.95, seed=seed)


def test_equal_seeds_give_equal_intervals_and_others_nearly():
    values, groups = [float(n % 3 == 0) for n in range(200)], [str(n % 20) for n in range(200)]
    assert bootstrap(groups).mean(values) == bootstrap(groups).mean(values)
    assert bootstrap(groups, seed=1).mean(values).low == pytest.approx(
        bootstrap(groups).mean(values).low, abs=0.02
    )


def test_questions_that_succeed_together_give_wider_intervals_than_independent_ones():
    values = [float(n // 20 % 2) for n in range(400)]
    together = bootstrap([str(n // 20) for n in range(400)]).mean(values)
    alone = bootstrap([str(n) for n in range(400)]).mean(values)
    assert together.high - together.low > 3 * (alone.high - alone.low)
    assert together.value == alone.value == 0.5


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    generator = np.random.default_rng(5)
    held = 0
    for trial in range(100):
        levels = generator.normal(0.6, 0.1, size=40)
        values = [float(level + noise) for level in levels for noise in generator.normal(0, 0.2, size=5)]
        found = bootstrap([str(n // 5) for n in range(200)], seed=trial).mean(values)
        held += found.low <= 0.6 <= found.high
    assert 88 <= held <= 100


def test_the_lower_bound_is_one_sided():
    values = np.random.default_rng(3).normal(0.25, 1.0, size=400).tolist()
    made = bootstrap([str(n % 40) for n in range(400)])
    assert made.mean(values).low < made.lower_bound(values, 0.95) < made.mean(values).value
    assert made.lower_bound(values, 0.99) < made.lower_bound(values, 0.9)
    spread = made.mean(values).value - made.lower_bound(values, 0.95)
    assert spread == pytest.approx(1.645 * made.standard_error(values), rel=0.1)


def test_of_one_group_single_questions_are_resampled():
    found = bootstrap(["all"] * 100).mean([float(n % 2) for n in range(100)])
    assert found.low < 0.45 < 0.55 < found.high
