"""What the code that makes an asset is given, and what it gives back.

A maker is a function `(Workspace) -> Produced`. It reads its inputs as read-only folders at one pinned
commit, writes files below `Workspace.out`, and knows neither the lake nor Dagster.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Progress = Callable[[str, int, int], None]


def log_progress(what: str, done: int, total: int) -> None:
    """Default progress: one log line per call. `total` is 0 where it is not known."""
    logging.getLogger("headwater").info("%s: %d%s", what, done, f" of {total}" if total else "")


@dataclass(frozen=True)
class Workspace:
    """Where a maker reads and writes.

    `out` is an empty folder; what stands there afterwards becomes `<product>/<asset>/` in the lake.
    `inputs` maps the name of an input asset to its folder. `previous` is this asset's last published folder.
    `cache` outlives builds, is shared by concurrent builds and may be deleted at any time.
    `scratch` belongs to this very computation (inputs, configuration, code) and survives a kill, so that
    long work can continue; it is removed after the asset was published. `versions` are the data versions of
    the inputs.
    """

    out: Path
    inputs: Mapping[str, Path]
    previous: Path | None
    cache: Path
    scratch: Path
    progress: Progress = log_progress
    versions: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class CheckOutcome:
    """The verdict of one audit. A failed check of severity `error` keeps the asset from being published."""

    name: str
    passed: bool
    description: str = ""
    severity: Literal["error", "warn"] = "error"
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])
    failures: tuple[Mapping[str, Any], ...] = ()
    """A sample of the failing rows, each a flat mapping."""


@dataclass(frozen=True)
class Produced:
    """What a maker reports about what it wrote; only what is deterministic goes into files below `out`.

    `metrics` are numbers, which plot over time in the UI. `refused` counts quarantined rows by reason.
    `tables` and `pictures` (PNG files) are shown with the materialization; `text` is Markdown.
    """

    rows: int
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    refused: Mapping[str, int] = field(default_factory=dict[str, int])
    tables: Mapping[str, tuple[Mapping[str, Any], ...]] = field(
        default_factory=dict[str, tuple[Mapping[str, Any], ...]]
    )
    pictures: Mapping[str, Path] = field(default_factory=dict[str, Path])
    text: Mapping[str, str] = field(default_factory=dict[str, str])
    checks: tuple[CheckOutcome, ...] = ()
