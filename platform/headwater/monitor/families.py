"""The tests of each family: what is compared, its effect and its floor."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from headwater.monitor.clusters import Floats, Rows, seeded, summed
from headwater.monitor.distributions import PERMUTATIONS, kinds_differ, numbers_differ
from headwater.monitor.null_table import centroid_distance
from headwater.monitor.profile import Profile
from headwater.monitor.proportions import binomial_above, share_rose
from headwater.monitor.rows import Answers, Observed, Requests
from headwater.monitor.sequential import THRESHOLD, PageHinkley
from headwater.monitor.two_samples import two_sample_test
from headwater.monitor.verdict import MonitorConfig

CONCEPT_MEASURES = ("perplexity",)
SLOW_SHARE = 0.05


@dataclass(frozen=True)
class Tested:
    """A test before correction. `p` is None for a sequential test, which says `alarmed` itself.

    `corrected`: the p already accounts for the family's other tests.
    """

    name: str
    statistic: float
    p: float | None
    effect: float
    floor: float
    reference: str
    window: str
    alarmed: bool = False
    corrected: bool = False


def data_tests(window: str, rows: Observed, profile: Profile, config: MonitorConfig) -> list[Tested]:
    """One test of the embeddings; the distance of the centroids and what is new are its two effects."""
    reference = profile.reference
    sides = (reference.embeddings, reference.clusters, rows.embeddings, rows.clusters)
    found = two_sample_test(*sides, seeded(window, "embeddings"))
    one = np.zeros(1, dtype=np.int64)
    centre = summed(rows.embeddings, np.repeat(one, rows.rows))[0]
    distance = centroid_distance(centre, profile.mean.astype(np.float64))
    floor = profile.nulls.at(found.window_clusters)
    return [
        Tested(
            "centroids",
            found.ratio,
            found.p,
            distance,
            floor,
            f"at most {floor:.4f} apart",
            f"{distance:.4f}",
            corrected=True,
        ),
        Tested(
            "new content",
            found.lower,
            found.p,
            found.lower,
            config.novelty_floor,
            "50% less like the reference",
            f"{found.lower:.0%}",
            corrected=True,
        ),
    ]


def text_tests(
    window: str, rows: Observed, measures: Mapping[str, Floats], profile: Profile, config: MonitorConfig
) -> list[Tested]:
    """Every statistic and measure by its distribution, every kind (language, say) by its shares."""
    names = [name for name in sorted(profile.reference.measures) if name not in CONCEPT_MEASURES]
    shared = [name for name in sorted(profile.reference.kinds) if name in rows.kinds]
    # The smallest p of so many permutations must survive Holm's factor, or nothing could be found.
    permutations = max(PERMUTATIONS, math.ceil(1.1 * (len(names) + len(shared)) / config.alpha))
    numbers = [_number(window, name, rows, measures, profile, config, permutations) for name in names]
    kinds = [_kind(window, name, rows, profile, config, permutations) for name in shared]
    return [test for test in (*numbers, *kinds) if test is not None]


def coverage_tests(window: str, rows: Observed, profile: Profile, config: MonitorConfig) -> list[Tested]:
    """Share of questions whose nearest passage is farther than 95% of the reference's questions have it."""
    cut = profile.answerable_similarity
    before, now = profile.reference.similarity, rows.similarity
    return _share(
        "not covered",
        (before < cut, ~np.isnan(before), profile.reference.clusters),
        (now < cut, ~np.isnan(now), rows.clusters),
        seed=(window, "coverage"),
        least=config.least_rows,
        floor=config.gap_floor,
        rise=False,
    )


def concept_tests(
    window: str,
    rows: Observed,
    profile: Profile,
    config: MonitorConfig,
    votes: PageHinkley,
    alarmed: bool,
    answers: Answers | Observed,
) -> list[Tested]:
    """Thumbs down and unsupported answers against `answers`, thumbs down also against the votes on earlier
    releases, votes over all windows, and perplexity."""
    tests: list[Tested] = []
    for name, column, bad in (("thumbs down", "down", 1.0), ("unsupported answers", "grounded", 0.0)):
        before: Floats | None = getattr(answers, column)
        now: Floats | None = getattr(rows, column)
        if before is not None and now is not None:
            tests += _share(
                name,
                (before == bad, ~np.isnan(before), answers.clusters),
                (now == bad, ~np.isnan(now), rows.clusters),
                seed=(window, name),
                least=config.least_votes,
                floor=config.share_floor,
                rise=True,
            )
    if profile.served is not None and rows.down is not None:
        before, now = profile.served.down, rows.down
        tests += _share(
            "thumbs down, earlier releases",
            (before == 1, ~np.isnan(before), profile.served.clusters),
            (now == 1, ~np.isnan(now), rows.clusters),
            seed=(window, "served"),
            least=config.least_votes,
            floor=config.share_floor,
            rise=True,
        )
    if votes.observations >= config.least_votes or alarmed:
        height = THRESHOLD if alarmed else votes.height
        shown = f"{votes.alarms} alarms, height {votes.height:.1f}"
        limit = f"alarm at {THRESHOLD:g}"
        tests.append(
            Tested("votes over time", height, None, height, THRESHOLD, limit, shown, alarmed=alarmed)
        )
    for name in CONCEPT_MEASURES:
        if name in profile.reference.measures:
            test = _number(window, name, rows, rows.measures, profile, config)
            tests += [test] if test else []
    return tests


def label_tests(rows: Observed, config: MonitorConfig) -> list[Tested]:
    """Feedback that contradicts gold, against the share that is tolerated; each response counts once."""
    if rows.contradicts is None:
        return []
    known = rows.contradicts[~np.isnan(rows.contradicts)]
    if len(known) < config.least_votes:
        return []
    rate = config.contradiction_rate
    return [_above("feedback against gold", round(float(known.sum())), len(known), rate, 2 * rate)]


def performance_tests(requests: Requests | None, config: MonitorConfig) -> list[Tested]:
    """Failed and slow requests against the service's objectives (exact binomial tests)."""
    if requests is None or len(requests.latency_ms) + requests.failed < config.least_rows:
        return []
    answered = len(requests.latency_ms)
    rate = config.error_objective
    tests = [_above("failed requests", requests.failed, answered + requests.failed, rate, 2 * rate)]
    if answered:
        slow = int((requests.latency_ms > config.latency_objective_ms).sum())
        name = f"slower than {config.latency_objective_ms:g} ms"
        tests.append(_above(name, slow, answered, SLOW_SHARE, 2 * SLOW_SHARE))
    return tests


def vote_stream(rows: Observed, before: PageHinkley | None) -> tuple[PageHinkley, bool]:
    """Page-Hinkley's state after this window's votes, and whether it alarmed in the window."""
    state = before or PageHinkley()
    if rows.down is None:
        return state, False
    after = state.after(float(vote) for vote in rows.down[~np.isnan(rows.down)])
    return after, after.alarms > state.alarms


def _number(
    window: str,
    name: str,
    rows: Observed,
    measures: Mapping[str, Floats],
    profile: Profile,
    config: MonitorConfig,
    permutations: int = PERMUTATIONS,
) -> Tested | None:
    reference = profile.reference
    if name not in measures:
        return None
    before, now = reference.measures[name], measures[name]
    had, has = ~np.isnan(before), ~np.isnan(now)
    if min(had.sum(), has.sum()) < config.least_votes:
        return None
    sides = (before[had], reference.clusters[had], now[has], rows.clusters[has])
    found = numbers_differ(*sides, seeded(window, "number", name), permutations=permutations)
    old, new = (f"median {float(np.median(values)):.3g}" for values in (sides[0], sides[2]))
    return Tested(name, found.statistic, found.p, found.effect, config.number_floor, old, new)


def _kind(
    window: str, name: str, rows: Observed, profile: Profile, config: MonitorConfig, permutations: int
) -> Tested:
    reference = profile.reference
    both = np.asarray([*reference.kinds[name], *rows.kinds[name]])
    names, numbers = np.unique(both, return_inverse=True)
    before, now = numbers[: reference.rows].astype(np.int64), numbers[reference.rows :].astype(np.int64)
    sides = (before, reference.clusters, now, rows.clusters)
    found = kinds_differ(*sides, seeded(window, "kind", name), permutations=permutations)
    old, new = _most_frequent(before, names), _most_frequent(now, names)
    return Tested(name, found.statistic, found.p, found.effect, config.kind_floor, old, new)


def _most_frequent(numbers: Rows, names: np.ndarray[tuple[int], np.dtype[np.str_]]) -> str:
    counts = np.bincount(numbers, minlength=len(names))
    return f"{names[int(counts.argmax())]} {counts.max() / len(numbers):.0%}"


_Side = tuple[np.ndarray[tuple[int], np.dtype[np.bool_]], np.ndarray[tuple[int], np.dtype[np.bool_]], Rows]


def _share(
    name: str, before: _Side, now: _Side, *, seed: tuple[str, str], least: int, floor: float, rise: bool
) -> list[Tested]:
    (old, had, old_clusters), (new, has, new_clusters) = before, now
    if min(had.sum(), has.sum()) < least:
        return []
    sides = (old[had].astype(np.float64), old_clusters[had], new[has].astype(np.float64), new_clusters[has])
    shares = share_rose(*sides, seeded(*seed))
    difference = shares.window - shares.reference
    effect = difference if rise else shares.window
    return [
        Tested(name, difference, shares.p, effect, floor, f"{shares.reference:.1%}", f"{shares.window:.1%}")
    ]


def _above(name: str, events: int, trials: int, rate: float, floor: float) -> Tested:
    share = events / trials
    p = binomial_above(events, trials, rate)
    return Tested(name, share, p, share, floor, f"{rate:.1%} allowed", f"{share:.1%}")
