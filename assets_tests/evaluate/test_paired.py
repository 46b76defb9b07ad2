"""Paired comparisons against answers that are known otherwise."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats import permutation_test

from headwater.evaluate.paired import Paired, sign_flip_p

FLIPS = 10_000


def paired(values: np.ndarray, groups: list[str], *, flips: int = FLIPS, seed: int = 0) -> Paired:
    return Paired(values.tolist(), groups, resamples=500, flips=flips, seed=seed)


@pytest.mark.parametrize("shift", [-0.2, 0.0, 0.15, 0.4])
def test_p_is_that_of_scipy_s_permutation_test(shift: float):
    values = np.random.default_rng(3).normal(shift, 0.6, 40)
    expected = permutation_test(
        (values, np.zeros(40)),
        lambda a, b: np.mean(a - b),
        permutation_type="samples",
        alternative="greater",
        n_resamples=FLIPS,
        vectorized=False,
        rng=np.random.default_rng(1),
    ).pvalue
    ours = sign_flip_p(values, [f"g{number}" for number in range(40)], flips=FLIPS, seed=0)
    assert ours == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / FLIPS) + 2e-4)


def test_p_is_that_of_all_flips_of_whole_groups():
    random = np.random.default_rng(4)
    groups = [f"g{number % 8}" for number in range(64)]
    values = random.choice([-1.0, 0.0, 0.0, 1.0], 64) + 0.2
    totals = np.array([sum(values[k::8]) for k in range(8)])
    every = [np.dot(signs, totals) for signs in itertools.product((-1, 1), repeat=8)]
    exact = np.mean([one >= totals.sum() - 1e-9 for one in every])
    assert sign_flip_p(values, groups, flips=FLIPS, seed=0) == pytest.approx(exact, abs=0.015)


def test_ties_count_and_p_is_never_zero():
    assert sign_flip_p(np.zeros(30), ["a", "b"] * 15, flips=999, seed=0) == 1.0
    few = sign_flip_p(np.full(60, 0.1), [f"g{number % 3}" for number in range(60)], flips=FLIPS, seed=0)
    assert few == pytest.approx(1 / 8, abs=0.015), "three groups can show no more"
    many = sign_flip_p(np.ones(60), [f"g{number}" for number in range(60)], flips=FLIPS, seed=0)
    assert many == 1 / (1 + FLIPS)


def test_one_group_is_flipped_question_by_question():
    values = np.random.default_rng(5).normal(0.3, 0.5, 50)
    single = sign_flip_p(values, ["only"] * 50, flips=FLIPS, seed=0)
    assert single == sign_flip_p(values, [f"{number:02d}" for number in range(50)], flips=FLIPS, seed=0)


def test_the_seed_decides_and_nothing_else():
    values = np.random.default_rng(6).normal(0.1, 0.5, 50)
    groups = [f"g{number % 25}" for number in range(50)]
    first = sign_flip_p(values, groups, flips=999, seed=1)
    assert first == sign_flip_p(values, groups, flips=999, seed=1)
    assert first != sign_flip_p(values, groups, flips=999, seed=2)


def test_false_positives_and_power_are_as_stated():
    """600 decisions each on 60 groups of 3 alike questions: the level without a difference, and the power
    that the detectable difference promises."""
    random = np.random.default_rng(7)
    groups = [f"g{number // 3:02d}" for number in range(180)]

    def draw(shift: float) -> np.ndarray:
        return shift + np.repeat(random.normal(0, 0.2, 60), 3) + random.normal(0, 0.3, 180)

    quiet = [paired(draw(0.0), groups, flips=999).p_better(0.0) for _ in range(600)]
    assert 0.03 <= np.mean(np.array(quiet) <= 0.05) <= 0.075
    detectable = float(np.mean([paired(draw(0.0), groups).detectable(0.05) for _ in range(60)]))
    found = [paired(draw(detectable), groups, flips=999).p_better(0.0) for _ in range(600)]
    assert 0.73 <= np.mean(np.array(found) <= 0.05) <= 0.87


def test_by_question_alone_alike_questions_would_raise_false_alarms():
    random = np.random.default_rng(8)
    names = [f"{number:03d}" for number in range(150)]
    draws = [np.repeat(random.normal(0, 0.3, 15), 10) for _ in range(300)]
    assert np.mean([sign_flip_p(one, names, flips=499, seed=0) <= 0.05 for one in draws]) > 0.2


def test_margins_move_what_is_tested():
    values = np.random.default_rng(9).normal(0.1, 0.2, 200)
    one = paired(values, [f"g{number % 40}" for number in range(200)])
    assert one.p_better(0.0) < 0.01 < one.p_better(0.1)
    assert one.p_worse(0.0) > 0.99
    assert paired(-values, [f"g{number % 40}" for number in range(200)]).p_worse(0.01) < 0.01
