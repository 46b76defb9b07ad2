"""What monitoring says of a window: per family a verdict, and the figures it rests on."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field

from headwater.monitor.sequential import PageHinkley

FAMILIES = ("data", "text", "coverage", "concept", "label", "performance")
RELEASE_FAMILIES = ("coverage", "concept", "label", "performance")
"""What says something of the release that answered, not of the questions alone."""
STATUSES = ("ok", "warn", "drift", "insufficient", "not_comparable")
LEVELS = {"not_comparable": -2, "insufficient": -1, "ok": 0, "warn": 1, "drift": 2}
"""Statuses as numbers, for plots and gauges."""
UNJUDGED = ("insufficient", "not_comparable")
"""Statuses that say nothing about it. Where nothing was tested, they neither confirm nor end a drift."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class MonitorConfig(_Frozen):
    """When a window alarms. Effect floors keep what is certain but small from waking anybody."""

    alpha: float = Field(
        default=0.01, ge=0.005, lt=0.5, description="Of each family, after Holm's correction"
    )
    least_rows: int = Field(default=100, ge=20, description="A window of fewer questions is not judged")
    least_clusters: int = Field(default=20, ge=5, description="Nor one of fewer sessions, users or documents")
    least_votes: int = Field(
        default=30, ge=5, description="Votes, or labels, below which they are not judged"
    )
    recent_windows: int = Field(default=3, ge=1, description="Judged windows looked at, this one included")
    needed_windows: int = Field(default=2, ge=1, description="How many of them must be strong for a drift")
    novelty_floor: float = Field(default=0.55, ge=0.5, lt=1, description="P(less like the reference)")
    number_floor: float = Field(default=0.15, ge=0, lt=1, description="|Cliff's delta| of a number")
    kind_floor: float = Field(default=0.1, ge=0, lt=1, description="Cramér's V of a kind")
    gap_floor: float = Field(default=0.1, gt=0, lt=1, description="Share of questions below the 5% quantile")
    share_floor: float = Field(
        default=0.05, gt=0, lt=1, description="Rise of thumbs down, or ungrounded answers"
    )
    contradiction_rate: float = Field(default=0.1, gt=0, lt=1, description="Feedback against gold tolerated")
    error_objective: float = Field(default=0.01, gt=0, lt=1, description="Share of requests that may fail")
    latency_objective_ms: float = Field(
        default=2000, gt=0, description="95% of answers come within this time"
    )


class Finding(_Frozen):
    """One test; `strong` is significant with an effect of at least its floor.

    `p` is corrected within its family, None for a sequential test.
    """

    name: str
    statistic: float
    p: float | None
    effect: float
    floor: float
    reference: str
    window: str
    significant: bool
    strong: bool


class FamilyVerdict(_Frozen):
    """The verdict of a family; `why` is a sentence for people."""

    status: str
    why: str
    findings: tuple[Finding, ...] = ()

    @property
    def strong(self) -> bool:
        """Whether this window alone calls for an alarm, which a second one must confirm."""
        return any(finding.strong for finding in self.findings)


class CoverageGap(_Frozen):
    """Questions that resemble each other and that the index cannot answer."""

    size: int
    examples: tuple[str, ...]
    nearest_document: str
    similarity: float


class ShownDistance(_Frozen):
    """A distance for people; it decides nothing."""

    name: str
    psi: float
    jensen_shannon: float
    reference_bins: tuple[float, ...]
    window_bins: tuple[float, ...]


class ShownLevel(_Frozen):
    """A number of the service before the release and in the window, for people; None where not known."""

    name: str
    unit: str
    reference: float | None
    window: float | None


class WindowVerdict(_Frozen):
    """The verdict on a window.

    `profile` is the digest of what it was compared with, `release` the one that answered most of the window.
    `others` counts requests that other releases answered than the profile's, which the families of
    `RELEASE_FAMILIES` leave out. `notes` say what was not measured, and why.
    """

    window: str
    profile: str
    rows: int
    clusters: int
    families: dict[str, FamilyVerdict]
    gaps: tuple[CoverageGap, ...] = ()
    shown: tuple[ShownDistance, ...] = ()
    levels: tuple[ShownLevel, ...] = ()
    others: dict[str, int] = {}
    notes: tuple[str, ...] = ()
    votes: PageHinkley = PageHinkley()
    release: str = ""

    def status(self, family: str) -> str:
        """One of `STATUSES`. Raises `KeyError` for an unknown family."""
        return self.families[family].status


def left_out(others: Mapping[str, int]) -> str:
    """A sentence on the requests that other releases answered; empty where they answered none."""
    if not others:
        return ""
    named = ", ".join(f"{count:,} by {release}" for release, count in others.items())
    return f"answered by another release and left out of {', '.join(RELEASE_FAMILIES)}: {named}"
