"""Who tries a new release, and when it is worse than the old one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from headwater.serve import Released
from headwater.serve.canary import Canary, CanarySettings
from headwater.serve.canary_verdict import Seen, judge


def canary(release: str = "tiny-v2", **settings: Any) -> Canary:
    parts: Any = None
    return Canary(Released("tiny", "c", release, parts), "tiny-v1", CanarySettings(**settings))


def seen(count: int, events: int = 0, *, visitors: int | None = None, **fields: Any) -> list[Seen]:
    """Requests of which the first `events` have these fields, in turn by so many visitors."""
    good = Seen("", failed=False, seconds=1.0, covered=True, vote=1)
    rows: list[Seen] = []
    for number in range(count):
        about = fields if number < events else {"seconds": 1 + number / count}
        rows.append(replace(good, visitor=f"visitor {number % (visitors or count)}", **about))
    return rows


@pytest.mark.parametrize("share", [0.0, 0.05, 0.2, 0.5])
def test_a_visitor_stays_and_the_share_holds(share: float) -> None:
    trial = canary(share=share)
    visitors = [f"session-{number}" for number in range(4000)]
    takes = [trial.takes(visitor) for visitor in visitors]
    assert takes == [trial.takes(visitor) for visitor in visitors]
    assert abs(np.mean(takes) - share) <= 4 * np.sqrt(share * (1 - share) / len(visitors))
    other = [canary("tiny-v3", share=share).takes(visitor) for visitor in visitors]
    assert share == 0 or other != takes, "not always the same visitors"


def test_it_is_due_when_both_have_answered_enough_and_the_last_vote_counts() -> None:
    trial = canary(share=0.5, requests=20)
    for number, row in enumerate(seen(19)):
        trial.answered("tiny-v1", f"old-{number}", row)
        trial.answered("tiny-v2", f"new-{number}", row)
        trial.answered("tiny-v9", f"other-{number}", row)
    assert not trial.due
    trial.answered("tiny-v1", "old-19", seen(1)[0])
    assert not trial.due
    trial.answered("tiny-v2", "new-19", seen(1)[0])
    assert trial.due
    assert trial.counts() == {"tiny-v1": 20, "tiny-v2": 20}
    for vote in (1, -1):
        trial.voted("new-19", vote)
    trial.voted("never-answered", -1)
    thumbs = {guard.name: guard for guard in trial.verdict().guards}["thumbs_down"]
    assert (thumbs.old, thumbs.new) == (0, 1 / 20)


@pytest.mark.parametrize(
    ("guard", "fields"),
    [
        ("errors", {"failed": True}),
        ("no_answer", {"covered": False}),
        ("thumbs_down", {"vote": -1}),
        ("slow", {"seconds": 5.0}),
    ],
)
@pytest.mark.parametrize("visitors", [200, 40, 2])
def test_each_guard_sees_what_it_is_for_and_nothing_else(guard: str, fields: Any, visitors: int) -> None:
    verdict = judge("v2", "v1", seen(200, 60, visitors=visitors, **fields), seen(800, 8, **fields))
    assert verdict.worse == (guard,)
    assert judge("v2", "v1", seen(200, 2, **fields), seen(800, 240, **fields)).worse == ()
    assert verdict.numbers()["release"] == "v2"


def test_one_visitor_with_many_bad_requests_does_not_fail_a_release() -> None:
    one = [Seen("who asks of something else", failed=False, seconds=1, covered=False)] * 20
    assert judge("v2", "v1", [*seen(180, visitors=60), *one], seen(600, visitors=200)).worse == ()
    many = seen(200, 20, covered=False)
    assert judge("v2", "v1", many, seen(600)).worse == ("no_answer",)


def test_what_nobody_measured_is_left_out() -> None:
    unknown = [Seen("v", failed=False, seconds=1.0)] * 50
    assert [guard.name for guard in judge("v2", "v1", unknown, unknown).guards] == ["errors", "slow"]


def test_equal_releases_are_found_worse_in_one_trial_of_a_hundred_at_most() -> None:
    chance = np.random.default_rng(7)

    def side(count: int) -> list[Seen]:
        return [
            Seen(
                f"{number}",
                failed=bool(chance.random() < 0.05),
                seconds=float(chance.lognormal()),
                covered=bool(chance.random() < 0.8),
                vote=-1 if chance.random() < 0.3 else 1,
            )
            for number in range(count)
        ]

    worse = sum(bool(judge("v2", "v1", side(100), side(400)).worse) for _ in range(200))
    assert worse <= 6  # more has a chance of half a percent where each trial has one percent
