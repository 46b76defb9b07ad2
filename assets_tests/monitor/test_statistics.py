"""The tests themselves: known values, invariants, and how often they call quiet windows drift."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.monitor.clusters import drawn, seeded
from headwater.monitor.correction import holm
from headwater.monitor.distributions import (
    cliffs_delta,
    jensen_shannon,
    kinds_differ,
    kolmogorov_p,
    ks_distance,
    numbers_differ,
    population_stability_index,
)
from headwater.monitor.proportions import binomial_above, share_rose, two_proportions
from headwater.monitor.ranks import Ranked, ranked_lower
from headwater.monitor.rows import Observed
from headwater.monitor.sequential import PageHinkley
from headwater.monitor.two_samples import Difference, neighbour_cosines, two_sample_test

Draw = Callable[..., Observed]


def test_holm_adjusts_and_keeps_the_order() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm([1.2])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
@settings(deadline=None)
def test_holm_never_lowers_a_p_and_never_passes_bonferroni(values: list[float]) -> None:
    for value, adjusted in zip(values, holm(values), strict=True):
        assert value <= adjusted <= min(1.0, value * len(values))


def test_exact_tests_have_the_textbook_values() -> None:
    # Fisher's tea: 3 of 4 cups right against 1 of 4.
    assert two_proportions(3, 4, 1, 4) == pytest.approx(17 / 70)
    assert binomial_above(2, 3, 0.5) == pytest.approx(0.5)
    assert binomial_above(0, 10, 0.1) == 1.0
    with pytest.raises(ValueError, match="events of"):
        two_proportions(5, 4, 0, 1)


def ranked(seen: Sequence[float], expected: Sequence[float]) -> Ranked:
    """Every row a cluster of its own."""
    sides = np.asarray(seen, dtype=float), np.asarray(expected, dtype=float)
    return ranked_lower(sides[0], np.arange(len(seen)), sides[1], np.arange(len(expected)))


def test_rank_test_counts_ties_half() -> None:
    assert ranked([1.0, 2.0], [2.0, 3.0]).lower == 0.875
    same = ranked([1.0] * 5, [1.0] * 5)
    assert (same.lower, same.p) == (0.5, 1.0)
    first, second = list(np.arange(20.0)), list(np.arange(20.0) + 6)
    below, above = ranked(first, second), ranked(second, first)
    assert below.lower + above.lower == pytest.approx(1)
    assert below.p < 0.01 < 0.99 < above.p


def test_ranks_of_dependent_rows_alarm_no_more_often_than_they_may() -> None:
    """Sessions of three beside single rows, of one skewed distribution."""
    alarms = 0
    for number in range(400):
        generator = seeded("ranks", str(number))
        seen = np.repeat(generator.exponential(size=40), 3) + generator.normal(size=120) * 0.01
        expected = generator.exponential(size=600)
        found = ranked_lower(-seen, np.repeat(np.arange(40), 3), -expected, np.arange(600))
        alarms += found.p <= 0.05
    assert alarms / 400 <= 0.08


def test_distances_have_their_definitions() -> None:
    first, second = np.array([1.0, 2.0, 3.0]), np.array([2.5, 3.5, 4.5])
    assert ks_distance(first, second) == pytest.approx(2 / 3)
    assert cliffs_delta(second, first) == pytest.approx(8 / 9 - 1 / 9)
    # The 5% critical value of the Kolmogorov distribution is 1.358.
    assert kolmogorov_p(1.358 / math.sqrt(5000), 10_000, 10_000) == pytest.approx(0.05, abs=0.002)
    halves = np.array([0.5, 0.5])
    assert population_stability_index(halves, halves) == 0
    assert jensen_shannon(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == pytest.approx(1)


def test_whole_clusters_are_drawn() -> None:
    clusters = np.repeat(np.arange(50), 7)
    kept = drawn(clusters, 100, seeded("a"))
    assert len(kept) == 98
    assert set(np.unique(clusters[kept], return_counts=True)[1].tolist()) == {7}


def test_clusters_of_one_topic_are_no_drift_but_rows_would_be(draw: Draw) -> None:
    """The trap: the same quiet windows, judged by cluster and by row."""
    alarms = {"clusters": 0, "rows": 0}
    for number in range(25):
        reference, window = draw(f"r{number}", 50, rows=8), draw(f"w{number}", 24, rows=8)
        for unit in alarms:
            own, seen = (
                (reference.clusters, window.clusters)
                if unit == "clusters"
                else (np.arange(reference.rows), np.arange(window.rows))
            )
            sides = (reference.embeddings, own, window.embeddings, seen)
            p = two_sample_test(*sides, seeded(f"{number}"), permutations=99).p
            alarms[unit] += p <= 0.05
    assert alarms["clusters"] <= 4
    assert alarms["rows"] >= 20


def compared(reference: Observed, window: Observed, seed: str) -> Difference:
    sides = (reference.embeddings, reference.clusters, window.embeddings, window.clusters)
    return two_sample_test(*sides, seeded(seed), permutations=199)


def test_what_is_new_is_found_and_quiet_windows_are_not(draw: Draw) -> None:
    reference = draw("reference", 150)
    found = {0.0: 0, 0.25: 0}
    lower: list[float] = []
    for foreign in found:
        for number in range(20):
            difference = compared(reference, draw(f"{foreign}/{number}", 60, foreign=foreign), f"{number}")
            found[foreign] += difference.p <= 0.05
            lower.append(difference.lower)
    assert found[0.0] <= 3
    assert found[0.25] >= 19
    assert abs(np.mean(lower[:20]) - 0.5) < 0.02
    assert np.mean(lower[20:]) > 0.55


def test_a_shift_among_known_subjects_is_found_though_nothing_is_new(draw: Draw) -> None:
    """The rows of one half of the space, all of which resemble others: novelty falls, the centroid moves."""
    reference, rows = draw("reference", 300), draw("window", 300)
    half = rows.embeddings @ reference.embeddings[0] > np.median(rows.embeddings @ reference.embeddings[0])
    sides = (reference.embeddings, reference.clusters, rows.embeddings[half], rows.clusters[half])
    found = two_sample_test(*sides, seeded("half"))
    assert found.p <= 0.01
    assert found.centroids_p <= 0.01 < found.novelty_p


def test_sessions_are_no_drift_beside_single_questions(draw: Draw) -> None:
    """Clusters of two kinds: the reference has single rows, the windows three of one subject each."""
    alarms = 0
    for number in range(40):
        reference, window = draw(f"r{number}", 160, rows=1), draw(f"w{number}", 40, rows=3)
        alarms += compared(reference, window, f"{number}").p <= 0.05
    assert alarms <= 5


def test_rows_that_are_all_alike_are_no_drift() -> None:
    rows = np.tile(np.eye(8, dtype=np.float32)[0], (60, 1))
    found = two_sample_test(rows, np.arange(60), rows[:20], np.arange(20), seeded("alike"))
    assert (found.p, found.lower) == (1.0, 0.5)


def test_neighbours_are_of_other_clusters_and_do_not_depend_on_blocks(
    draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = draw("rows", 100, rows=4)
    cosines = rows.embeddings @ rows.embeddings.T
    cosines[rows.clusters[:, None] == rows.clusters] = -2
    expected = np.sort(cosines, axis=1)[:, -10:].mean(axis=1)
    for block in (64, 1024):
        monkeypatch.setattr("headwater.monitor.two_samples.BLOCK_ROWS", block)
        likeness, nearest = neighbour_cosines(rows.embeddings, rows.clusters, 300)
        assert np.allclose(likeness, expected, atol=1e-6)
        assert np.allclose(nearest, cosines[:, :300].max(axis=1), atol=1e-6)


def test_a_clustered_number_is_judged_by_cluster() -> None:
    alarms = 0
    clusters = np.repeat(np.arange(80), 10)
    values = np.zeros(800)
    for number in range(40):
        generator = seeded("numbers", str(number))
        levels = generator.normal(size=80)
        values = np.repeat(levels, 10) + generator.normal(size=800) * 0.1
        sides = (values[:500], clusters[:500], values[500:], clusters[500:])
        alarms += numbers_differ(*sides, generator).p <= 0.05
    assert alarms <= 5
    shifted = numbers_differ(values[:500], clusters[:500], values[500:] + 2, clusters[500:], seeded("x"))
    assert shifted.p <= 0.01
    assert shifted.effect > 0.5


def test_kinds_and_shares_that_change_are_found() -> None:
    clusters = np.repeat(np.arange(100), 5)
    before, now = np.zeros(500, dtype=np.int64), np.zeros(500, dtype=np.int64)
    before[:50] = 1
    now[:200] = 1
    found = kinds_differ(before, clusters, now, clusters, seeded("kinds"))
    assert found.p <= 0.01
    assert found.effect == pytest.approx(math.sqrt(found.statistic / 1000))
    rose = share_rose(before.astype(float), clusters, now.astype(float), clusters, seeded("share"))
    assert (rose.reference, rose.window) == (0.1, 0.4)
    assert rose.p <= 0.01
    fell = share_rose(now.astype(float), clusters, before.astype(float), clusters, seeded("share"))
    assert fell.p > 0.9


def test_page_hinkley_alarms_on_a_rise_and_can_be_interrupted() -> None:
    generator = seeded("votes")
    quiet, loud = generator.random(4000) < 0.1, generator.random(400) < 0.35
    before = PageHinkley().after(quiet)
    assert before.alarms == 0
    assert before.after(loud).alarms >= 1
    in_pieces = before
    for start in range(0, 400, 37):
        in_pieces = in_pieces.after(loud[start : start + 37])
    assert in_pieces == before.after(loud)


def test_equal_seeds_give_equal_results(draw: Draw) -> None:
    one, two = draw("one", 60), draw("two", 40)
    assert compared(one, two, "w") == compared(one, two, "w")
    single = np.zeros(one.rows, dtype=np.int64)
    with pytest.raises(ValueError, match="two clusters"):
        two_sample_test(one.embeddings, single, two.embeddings, two.clusters, seeded("w"))
