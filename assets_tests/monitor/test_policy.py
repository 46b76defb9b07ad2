"""From a verdict to a refresh: what is made, and every limit with its numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.monitor.newest import FamilyState, JudgedWindow, Newest
from headwater.monitor.policy import Launch, Refresh, RefreshPolicy, Skip, decide
from headwater.monitor.verdict import FAMILIES, STATUSES

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
INDEXED = {"raw", "bronze", "silver", "chunks", "embeddings", "index", "questions", "profile"}
TAUGHT = {"feedback", "training_set", "model"}
JUDGED = {"evaluation", "release"}
AVAILABLE = frozenset(INDEXED | TAUGHT | JUDGED | {"base_model", "inference", "drift"})


def state(*windows: dict[str, str], rows: int = 250, release: str = "tiny-v1") -> Newest:
    """Newest verdicts; each window says which families are other than ok."""
    recent = tuple(
        JudgedWindow(
            window=f"w-{number}",
            release=release,
            profile="p",
            rows=rows,
            statuses={**dict.fromkeys(FAMILIES, "ok"), **statuses},
        )
        for number, statuses in enumerate(windows, 1)
    )
    last = recent[-1]
    return Newest(
        window=last.window,
        release=release,
        profile="p",
        rows=rows,
        clusters=rows,
        families={
            name: FamilyState(status=status, why=f"{name} says so") for name, status in last.statuses.items()
        },
        recent=recent,
    )


def refresh(hours: float, **given: Any) -> Refresh:
    """A refresh that began so many hours ago."""
    return Refresh(
        **{
            "cause": "coverage",
            "release": "tiny-v1",
            "window": "w-0",
            "started": NOW - timedelta(hours=hours),
            "state": "succeeded",
            "cpu_seconds": 300.0,
            **given,
        }
    )


def asked(newest: Newest, *earlier: Refresh, policy: RefreshPolicy | None = None, **given: Any) -> Any:
    return decide(
        newest,
        sorted(earlier, key=lambda one: one.started),
        policy or RefreshPolicy(),
        **{"now": NOW, "release": "tiny-v1", "available": AVAILABLE, **given},
    )


@pytest.mark.parametrize(
    ("drifting", "cause", "assets"),
    [
        ({"data"}, "data", INDEXED | TAUGHT | JUDGED),
        ({"text"}, "data", INDEXED | TAUGHT | JUDGED),
        ({"coverage"}, "coverage", INDEXED | JUDGED),
        ({"concept"}, "quality", TAUGHT | JUDGED),
        ({"label"}, "quality", TAUGHT | JUDGED),
        ({"data", "coverage", "concept"}, "data", INDEXED | TAUGHT | JUDGED),
        ({"coverage", "concept"}, "coverage", INDEXED | JUDGED),
        (
            {"performance", "concept"},
            "quality",
            TAUGHT | JUDGED,
        ),
    ],
)
def test_a_cause_makes_what_it_concerns_and_what_follows(
    drifting: set[str], cause: str, assets: set[str]
) -> None:
    launch = asked(state(dict.fromkeys(drifting, "drift")))
    assert isinstance(launch, Launch)
    assert (launch.cause, set(launch.assets)) == (cause, assets)
    assert all(f"{family} says so" in launch.why for family in drifting & {"data", "label"})


def test_a_product_without_feedback_is_refreshed_without_it() -> None:
    launch = asked(state({"concept": "drift"}), available=AVAILABLE - {"feedback"})
    assert launch.assets == ("training_set", "model", "evaluation", "release")


@pytest.mark.parametrize(
    ("newest", "said"),
    [
        (Newest(), "no window was judged yet"),
        (state({"data": "warn"}), "no drift in w-1 (250 questions): data warn, text ok"),
        (state({"performance": "drift"}), "performance: no data cures it: alert only"),
    ],
)
def test_nothing_begins_without_a_drift_that_data_cures(newest: Newest, said: str) -> None:
    skip = asked(newest)
    assert isinstance(skip, Skip)
    assert said in skip.why


GAP = state({"coverage": "drift"})


@pytest.mark.parametrize(
    ("earlier", "policy", "given", "said"),
    [
        ([refresh(5, cause="quality")], {}, {}, "5.0 of 24 hours"),
        ([refresh(30, cause="quality", state="running")], {}, {}, "quality has been running since 2026-03"),
        ([refresh(30 * n, cause="quality") for n in (1, 2)], {"per_week": 2}, {}, "2 refreshes in seven"),
        ([refresh(5, cause="quality", cpu_seconds=900)],
         {"cooldown_hours": 1, "cpu_seconds_per_day": 800}, {}, "900 CPU seconds in 24 hours, and 800"),
        ([refresh(30, cause="quality")], {"least_new_rows": 251}, {}, "250 questions since the last refresh"),
        ([], {"dry_run": True}, {}, "dry run: would make raw, bronze"),
        ([], {}, {"switched_off": "HEADWATER_REFRESH=off"}, "refreshes are off: HEADWATER_REFRESH=off"),
        ([], {}, {"release": "tiny-v2"}, "answered by tiny-v1 and production holds tiny-v2"),
    ],
)  # fmt: skip
def test_every_limit_holds_and_says_its_numbers(
    earlier: list[Refresh], policy: dict[str, Any], given: dict[str, Any], said: str
) -> None:
    skip = asked(GAP, *earlier, policy=RefreshPolicy(**policy), **given)
    assert isinstance(skip, Skip)
    assert said in skip.why


def test_without_the_limit_the_same_verdict_begins_a_refresh() -> None:
    assert isinstance(asked(GAP), Launch)
    assert isinstance(asked(GAP, refresh(25, cause="quality")), Launch)
    assert isinstance(asked(GAP, refresh(5, cause="quality"), policy=RefreshPolicy(cooldown_hours=4)), Launch)


def test_a_cause_that_was_acted_upon_waits_for_an_ok_window_or_a_release() -> None:
    drift, quiet = {"coverage": "drift"}, {"coverage": "ok"}
    done = refresh(48, window="w-2")
    assert "acted upon at w-2" in asked(state(quiet, drift, drift), done).why
    assert "none of the 1 windows since" in asked(state(quiet, drift, {"coverage": "drift"}), done).why
    assert isinstance(asked(state(quiet, drift, quiet, drift), done), Launch)
    assert isinstance(asked(state(quiet, drift, drift), refresh(48, window="w-2", state="failed")), Launch)
    assert (
        "acted upon at w-2" in asked(state(quiet, drift, drift), refresh(48, cause="data", window="w-2")).why
    )
    moved = state(drift, drift, release="tiny-v2")
    assert isinstance(asked(moved, refresh(48, window="w-0"), release="tiny-v2"), Launch)
    other = state({**drift, "concept": "drift"}, drift)
    assert isinstance(asked(other, refresh(48, cause="quality", window="w-1")), Launch)


def test_the_key_is_that_of_the_verdict() -> None:
    one = asked(GAP)
    assert one.key == asked(GAP, refresh(25, cause="quality")).key
    assert one.key != asked(state({"data": "drift"})).key
    assert one.key != asked(state({}, {"coverage": "drift"})).key
    later = state({"coverage": "drift"}, release="tiny-v2")
    assert one.key != asked(later, release="tiny-v2").key


WINDOWS = st.fixed_dictionaries(dict.fromkeys(FAMILIES, st.sampled_from(STATUSES)))


@settings(deadline=None)
@given(
    statuses=st.lists(WINDOWS, min_size=1, max_size=5),
    hours=st.lists(st.floats(0, 400), max_size=8),
    states=st.lists(st.sampled_from(["running", "succeeded", "failed"]), min_size=8, max_size=8),
)  # fmt: skip
def test_no_history_gets_around_the_limits(
    statuses: list[dict[str, str]], hours: list[float], states: list[str]
) -> None:
    earlier = [refresh(hour, state=one, window="w-0") for hour, one in zip(hours, states, strict=False)]
    decision = asked(state(*statuses), *earlier)
    assert decision.why
    if isinstance(decision, Launch):
        assert not [one for one in earlier if one.state == "running"]
        assert all(NOW - one.started >= timedelta(hours=24) for one in earlier)
        assert sum(NOW - one.started < timedelta(days=7) for one in earlier) < 5
        assert "drift" in statuses[-1].values()
