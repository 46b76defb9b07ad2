"""From verdicts to a refresh: which cause, which assets, and whether it may begin now.

Pure: what was judged, what was refreshed before and the time are given. A refresh costs hours of CPU and may
be asked for by anybody who writes questions, so every limit has to hold and every refusal says its numbers.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from headwater.fingerprint import digest_json
from headwater.monitor.newest import JudgedWindow, Newest

Cause = Literal["data", "coverage", "quality", "performance"]
CAUSES: tuple[Cause, ...] = get_args(Cause)
FAMILIES_OF: dict[Cause, tuple[str, ...]] = {
    "data": ("data", "text"),
    "coverage": ("coverage",),
    "quality": ("concept", "label"),
    "performance": ("performance",),
}
_INDEXED = ("raw", "bronze", "silver", "chunks", "embeddings", "index", "questions", "profile")
_JUDGED = ("evaluation", "release")
_TAUGHT = ("feedback", "training_set", "model")
ASSETS_OF: dict[Cause, tuple[str, ...]] = {
    "data": (*_INDEXED, *_TAUGHT, *_JUDGED),
    "coverage": (*_INDEXED, *_JUDGED),
    "quality": (*_TAUGHT, *_JUDGED),
    "performance": (),
}
"""Other questions: everything again. Gaps: take in and index. Worse answers to the same questions: teach
again. Slowness is nothing that data cures."""
CONFIRMING_WINDOWS = 3


class RefreshPolicy(BaseModel):
    """Limits of refreshes that nobody asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cooldown_hours: float = Field(default=24, ge=0, description="Between the starts of two refreshes")
    per_week: int = Field(default=5, ge=0, description="Refreshes in seven days")
    cpu_seconds_per_day: float = Field(
        default=7200, ge=0, description="No refresh begins once those of 24 hours took so much"
    )
    least_new_rows: int = Field(
        default=200, ge=0, description="Questions judged since the last refresh, below which none begins"
    )
    dry_run: bool = Field(default=False, description="Say what would be refreshed, and do nothing")


@dataclass(frozen=True)
class Refresh:
    """An earlier refresh. `cpu_seconds` is what it took so far; `state` running, succeeded or failed."""

    cause: str
    release: str
    window: str
    started: datetime
    state: Literal["running", "succeeded", "failed"]
    cpu_seconds: float


@dataclass(frozen=True)
class Launch:
    """A refresh that may begin. Equal verdicts give equal `key`s, so that it begins once."""

    cause: Cause
    assets: tuple[str, ...]
    key: str
    window: str
    release: str
    why: str


@dataclass(frozen=True)
class Skip:
    """Nothing begins, and why not, with the numbers that it rests on."""

    why: str


def decide(
    state: Newest,
    earlier: Sequence[Refresh],
    policy: RefreshPolicy,
    *,
    now: datetime,
    release: str,
    available: Collection[str],
    switched_off: str = "",
) -> Launch | Skip:
    """What to do about the newest verdict.

    `earlier` are the refreshes of the product, oldest first; `release` is what production holds now,
    `available` the names of the product's assets, and `switched_off` says who switched refreshes off.
    """
    if not state.window:
        return Skip("no window was judged yet")
    found = drifting(state)
    seen = ", ".join(f"{name} {family.status}" for name, family in state.families.items())
    if not found:
        return Skip(f"no drift in {state.window} ({state.rows} questions): {seen}")
    if switched_off:
        return Skip(f"drift of {', '.join(found)} in {state.window}, but refreshes are off: {switched_off}")
    if state.release != release:
        return Skip(
            f"{state.window} was answered by {state.release or 'nothing'} and production holds "
            f"{release or 'nothing'}: waiting for its own windows"
        )
    refused: list[str] = []
    for cause in found:
        assets = tuple(name for name in ASSETS_OF[cause] if name in available)
        why = "no data cures it: alert only" if not assets else _acted_upon(cause, state, earlier)
        if not why:
            launch = _launch(cause, assets, state)
            reason = _over_limit(state, earlier, policy, now)
            if reason:
                return Skip(f"{cause}: {reason}")
            if policy.dry_run:
                return Skip(f"dry run: would make {', '.join(assets)}, because {launch.why}")
            return launch
        refused.append(f"{cause}: {why}")
    return Skip("; ".join(refused))


def drifting(state: Newest) -> list[Cause]:
    """The causes that the newest verdict names, the one with most to do first.

    Worse answers are a cause of their own on stable inputs only: to other questions they are no surprise.
    """
    named: list[Cause] = [
        cause
        for cause in CAUSES
        if any(
            state.families[family].status == "drift"
            for family in FAMILIES_OF[cause]
            if family in state.families
        )
    ]
    if {"data", "coverage"} & set(named):
        named = [cause for cause in named if cause != "quality"]
    return named


def _acted_upon(cause: Cause, state: Newest, earlier: Sequence[Refresh]) -> str:
    """Why a cause waits that was acted upon: neither did a window recover since, nor did production move.

    A refresh for another cause counts if it made all that this one would.
    """
    same = [one for one in earlier if one.state != "failed" and _did_as_much(one.cause, cause)]
    if not same or same[-1].release != state.release:
        return ""
    last = same[-1]
    since = [one for one in state.recent if one.window > last.window]
    if any(_recovered(one, cause) for one in since):
        return ""
    return (
        f"acted upon at {last.window}; {last.release} still stands and none of the {len(since)} windows "
        "since was ok"
    )


def _did_as_much(done: str, cause: Cause) -> bool:
    return any(done == one and set(ASSETS_OF[one]) >= set(ASSETS_OF[cause]) for one in CAUSES)


def _recovered(window: JudgedWindow, cause: Cause) -> bool:
    statuses = {window.statuses.get(family) for family in FAMILIES_OF[cause]}
    return "ok" in statuses and not statuses & {"drift", "warn"}


def _over_limit(state: Newest, earlier: Sequence[Refresh], policy: RefreshPolicy, now: datetime) -> str:
    running = [one for one in earlier if one.state == "running"]
    if running:
        return f"a refresh for {running[-1].cause} has been running since {_at(running[-1].started)}"
    if earlier:
        last = earlier[-1]
        passed = (now - last.started) / timedelta(hours=1)
        if passed < policy.cooldown_hours:
            return (
                f"cooling down: {passed:.1f} of {policy.cooldown_hours:g} hours since the refresh of "
                f"{_at(last.started)}"
            )
    week = sum(now - one.started < timedelta(days=7) for one in earlier)
    if week >= policy.per_week:
        return f"{week} refreshes in seven days, and {policy.per_week} are allowed"
    spent = sum(one.cpu_seconds for one in earlier if now - one.started < timedelta(days=1))
    if spent >= policy.cpu_seconds_per_day:
        return f"{spent:.0f} CPU seconds in 24 hours, and {policy.cpu_seconds_per_day:g} are allowed"
    since = earlier[-1].window if earlier else ""
    rows = sum(one.rows for one in state.recent if one.window > since)
    if rows < policy.least_new_rows:
        return f"{rows} questions since the last refresh, and {policy.least_new_rows} are needed"
    return ""


def _launch(cause: Cause, assets: tuple[str, ...], state: Newest) -> Launch:
    windows = [one.window for one in state.recent if one.profile == state.profile][-CONFIRMING_WINDOWS:]
    reasons = [
        f"{family} {state.families[family].why}"
        for family in FAMILIES_OF[cause]
        if family in state.families and state.families[family].status == "drift"
    ]
    key = {"release": state.release, "profile": state.profile, "windows": windows, "cause": cause}
    return Launch(cause, assets, digest_json(key)[:32], state.window, state.release, "; ".join(reasons))


def _at(time: datetime) -> str:
    return time.isoformat(sep=" ", timespec="minutes")
