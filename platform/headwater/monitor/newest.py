"""The newest verdicts in short: what sensors, alerts and gauges read, `newest.json` of the drift asset."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from headwater.monitor.verdict import FamilyVerdict, Finding, WindowVerdict

NEWEST_FILE = "newest.json"
RECENT = 50


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FamilyState(_Frozen):
    """A family's verdict on the newest window, with the test it rests on."""

    status: str
    why: str
    test: str = ""
    p: float | None = None
    effect: float | None = None
    floor: float | None = None


class Gap(_Frozen):
    """A coverage gap without the words of anybody's question."""

    size: int
    nearest_document: str
    similarity: float


class JudgedWindow(_Frozen):
    """A window with the status of every family."""

    window: str
    release: str
    profile: str
    rows: int
    statuses: dict[str, str]


class Newest(_Frozen):
    """The newest window's verdict, and the statuses of the last 50 windows, oldest first, it included."""

    window: str = ""
    release: str = ""
    profile: str = ""
    rows: int = 0
    clusters: int = 0
    others: int = 0
    families: dict[str, FamilyState] = {}
    gaps: tuple[Gap, ...] = ()
    recent: tuple[JudgedWindow, ...] = ()


def newest(verdicts: Sequence[WindowVerdict]) -> Newest:
    """Of verdicts, oldest first; an empty one where no window was judged."""
    if not verdicts:
        return Newest()
    last = verdicts[-1]
    return Newest(
        window=last.window,
        release=last.release,
        profile=last.profile,
        rows=last.rows,
        clusters=last.clusters,
        others=sum(last.others.values()),
        families={name: _state(family) for name, family in last.families.items()},
        gaps=tuple(
            Gap(size=gap.size, nearest_document=gap.nearest_document, similarity=gap.similarity)
            for gap in last.gaps
        ),
        recent=tuple(
            JudgedWindow(
                window=one.window,
                release=one.release,
                profile=one.profile,
                rows=one.rows,
                statuses={name: family.status for name, family in one.families.items()},
            )
            for one in verdicts[-RECENT:]
        ),
    )


def leading(family: FamilyVerdict) -> Finding | None:
    """The test that a verdict rests on: strong before significant before others, then the smallest p."""
    return min(
        family.findings,
        key=lambda item: (not item.strong, not item.significant, 1.0 if item.p is None else item.p),
        default=None,
    )


def _state(family: FamilyVerdict) -> FamilyState:
    test = leading(family)
    if test is None:
        return FamilyState(status=family.status, why=family.why)
    return FamilyState(
        status=family.status, why=family.why, test=test.name, p=test.p, effect=test.effect, floor=test.floor
    )
