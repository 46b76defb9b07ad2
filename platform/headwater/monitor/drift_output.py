"""What the drift asset shows of its verdicts: rows, metrics that plot, tables and one check a family."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from headwater.monitor.newest import Newest, leading
from headwater.monitor.report import QUESTIONS, shown_service
from headwater.monitor.verdict import FAMILIES, LEVELS, WindowVerdict
from headwater.workspace import CheckOutcome

ANSWERS_FOLDER = "answers"
FAILING = ("drift", "not_comparable")


def verdict_rows(verdicts: Sequence[WindowVerdict]) -> Iterator[dict[str, Any]]:
    """Rows of `schemas.DRIFT`, oldest window first."""
    for verdict in verdicts:
        for name in FAMILIES:
            family = verdict.families[name]
            test = leading(family)
            yield {
                "verdict_id": f"{verdict.window}/{name}",
                "window": verdict.window,
                "family": name,
                "status": family.status,
                "why": family.why,
                "rows": verdict.rows,
                "clusters": verdict.clusters,
                "test": test.name if test else "",
                "p": test.p if test else None,
                "effect": test.effect if test else None,
                "floor": test.floor if test else None,
                "release": verdict.release,
                "profile": verdict.profile,
            }


def metrics_of(state: Newest) -> dict[str, float]:
    """Numbers of the newest window: size, and per family the status as a number (see `LEVELS`) and effect."""
    found: dict[str, float] = {
        "windows": len(state.recent),
        "questions": state.rows,
        "clusters": state.clusters,
        "answered_by_others": state.others,
    }
    for name, family in state.families.items():
        found[f"{name}/status"] = LEVELS[family.status]
        if family.effect is not None:
            found[f"{name}/effect"] = family.effect
    return found


def tables_of(verdicts: Sequence[WindowVerdict]) -> dict[str, tuple[Mapping[str, Any], ...]]:
    """The newest window's verdicts and its coverage gaps."""
    if not verdicts:
        return {}
    last = verdicts[-1]
    return {
        "verdicts": tuple(
            {
                "family": name,
                "status": last.status(name),
                "question": QUESTIONS[name],
                "because": last.families[name].why,
            }
            for name in FAMILIES
        ),
        "gaps": tuple(
            {
                "questions": gap.size,
                "examples": " | ".join(gap.examples),
                "nearest document": gap.nearest_document,
                "cosine": round(gap.similarity, 3),
            }
            for gap in last.gaps
        ),
        "service": tuple(
            {"number": name, "before the release": before, "window": now}
            for name, before, now in shown_service(last.levels)
        ),
    }


def checks_of(state: Newest) -> tuple[CheckOutcome, ...]:
    """One check a family, of the newest window. None blocks: a verdict is a result."""
    return tuple(_check(name, state) for name in FAMILIES)


def _check(name: str, state: Newest) -> CheckOutcome:
    family = state.families.get(name)
    if family is None:
        return CheckOutcome(name, True, "no window was judged yet", severity="warn")
    facts = {"window": state.window, "status": family.status, "release": state.release}
    return CheckOutcome(
        name, family.status not in FAILING, f"{family.status}: {family.why}", severity="warn", metadata=facts
    )
