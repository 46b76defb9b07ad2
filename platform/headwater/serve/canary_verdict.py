"""Whether a release on trial is worse than the one it would replace: four guard metrics, one-sided tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from headwater.monitor.clusters import Rows, count, numbered, seeded
from headwater.monitor.correction import holm
from headwater.monitor.proportions import share_rose

ALPHA = 0.01
MIN_CLUSTERS = 20
"""With fewer visitors on a side no permutation of them is rare enough; requests are then taken as
independent, which errs towards keeping the old release."""
SLOW = 0.95


@dataclass(frozen=True)
class Seen:
    """One finished request. `covered` is None where the release does not say; `vote` is 1, 0, -1 or None."""

    visitor: str
    failed: bool
    seconds: float
    covered: bool | None = None
    vote: int | None = None


@dataclass(frozen=True)
class Guard:
    """One metric: shares of the old and the new release, requests behind them, p before and after Holm."""

    name: str
    old: float
    new: float
    old_requests: int
    new_requests: int
    p: float
    adjusted: float = 1.0


@dataclass(frozen=True)
class Verdict:
    """The comparison. `worse` names the guards that broke."""

    release: str
    against: str
    guards: tuple[Guard, ...]

    @property
    def worse(self) -> tuple[str, ...]:
        """Guards on which the new release is worse at a level of 1% for all of them together."""
        return tuple(guard.name for guard in self.guards if guard.adjusted <= ALPHA)

    def numbers(self) -> dict[str, Any]:
        """Everything, in plain types."""
        return {"release": self.release, "against": self.against, "alpha": ALPHA,
                "guards": [asdict(guard) for guard in self.guards]}  # fmt: skip

    def __str__(self) -> str:
        return ", ".join(
            f"{guard.name} {guard.old:.3f} -> {guard.new:.3f} (p {guard.adjusted:.2g})"
            for guard in self.guards
        )


def judge(release: str, against: str, new: Sequence[Seen], old: Sequence[Seen]) -> Verdict:
    """Compare error rate, no-answer rate, thumbs-down rate and 95th percentile of latency.

    Requests of one visitor resemble each other: where each side has enough visitors these are permuted, not
    the requests (see `monitor.clusters`); else the tests are Fisher's. For latency the events are requests
    that took the 95th percentile of both sides together or longer, which are as likely on each side when
    nothing changed (the median test of Mood, 1950, at another quantile). A guard that nobody measured is left
    out.
    """
    limit = float(np.quantile([seen.seconds for seen in (*old, *new)], SLOW, method="higher"))
    events: dict[str, Callable[[Seen], bool | None]] = {
        "errors": lambda seen: seen.failed,
        "no_answer": lambda seen: None if seen.covered is None else not seen.covered,
        "thumbs_down": lambda seen: None if seen.vote is None else seen.vote < 0,
        "slow": lambda seen: seen.seconds >= limit,
    }
    found = [_compare(name, event, new, old, f"{release}/{against}") for name, event in events.items()]
    guards = [guard for guard in found if guard is not None]
    adjusted = holm([guard.p for guard in guards])
    return Verdict(
        release,
        against,
        tuple(replace(guard, adjusted=p) for guard, p in zip(guards, adjusted, strict=True)),
    )


def _compare(
    name: str,
    event: Callable[[Seen], bool | None],
    new: Sequence[Seen],
    old: Sequence[Seen],
    trial: str,
) -> Guard | None:
    after, after_clusters = _measured(event, new)
    before, before_clusters = _measured(event, old)
    if len(after) == 0 or len(before) == 0:
        return None
    if min(count(after_clusters), count(before_clusters)) < MIN_CLUSTERS:
        after_clusters, before_clusters = np.arange(len(after)), np.arange(len(before))
    shares = share_rose(before, before_clusters, after, after_clusters, seeded(trial, name))
    return Guard(name, shares.reference, shares.window, len(before), len(after), shares.p)


def _measured(
    event: Callable[[Seen], bool | None], seen: Sequence[Seen]
) -> tuple[npt.NDArray[np.float64], Rows]:
    known = [(happened, one.visitor) for one in seen if (happened := event(one)) is not None]
    values = np.array([happened for happened, _ in known], dtype=np.float64)
    return values, numbered([visitor for _, visitor in known])
