"""Verdicts as files, one a window, so that a lake keeps each once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from headwater.fingerprint import canonical_json
from headwater.monitor.verdict import CoverageGap, WindowVerdict

FOLDER = "verdicts"


def read_verdicts(folder: Path) -> list[WindowVerdict]:
    """The verdicts below the drift asset's folder, oldest window first."""
    paths = sorted((folder / FOLDER).glob("*.json"))
    return [WindowVerdict.model_validate_json(path.read_text(encoding="utf-8")) for path in paths]


def write_verdicts(folder: Path, verdicts: Sequence[WindowVerdict]) -> None:
    """Write each verdict; equal ones give equal bytes."""
    (folder / FOLDER).mkdir(exist_ok=True)
    for verdict in verdicts:
        path = folder / FOLDER / f"{verdict.window}.json"
        path.write_text(canonical_json(verdict.model_dump(mode="json")), encoding="utf-8")


def forgotten(verdicts: Sequence[WindowVerdict], known: Collection[str]) -> list[WindowVerdict]:
    """The verdicts without examples that are none of the `known` questions."""
    return [_without(verdict, known) if verdict.gaps else verdict for verdict in verdicts]


def _without(verdict: WindowVerdict, known: Collection[str]) -> WindowVerdict:
    gaps = tuple(_shortened(gap, known) for gap in verdict.gaps)
    return verdict if gaps == verdict.gaps else verdict.model_copy(update={"gaps": gaps})


def _shortened(gap: CoverageGap, known: Collection[str]) -> CoverageGap:
    kept = tuple(text for text in gap.examples if text in known)
    return gap if kept == gap.examples else gap.model_copy(update={"examples": kept})
