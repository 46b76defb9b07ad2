"""The maker of a product's `inference`: windows of closed segments, the feedback joined, the old let go."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from headwater.curate.erasures import Erasures
from headwater.curate.quarantine import Quarantine
from headwater.inference_log.intake import Intake
from headwater.inference_log.parts import Part, erased_ids, read_parts, write_parts
from headwater.inference_log.progress import Taken
from headwater.inference_log.segments import STAMP, SegmentName
from headwater.inference_log.windows import Cutter
from headwater.sources import Settings
from headwater.tables import read_rows
from headwater.workspace import CheckOutcome, Produced, Workspace

COMPLETE = "log_complete"


class WindowSettings(Settings):
    """When a window closes, and how long it is kept.

    A window closes at `window_rows` requests (or judgements), or before its records would span
    `window_hours`; times are those of the records, never of the build. A window goes when its newest record
    is `keep_days` older than the newest of all; null keeps everything.
    """

    window_rows: Annotated[int, Field(ge=1, le=100_000)] = 500
    window_hours: Annotated[float, Field(gt=0, le=24 * 366)] = 24.0
    keep_days: Annotated[float, Field(gt=0, le=366_000)] | None = 90.0


@dataclass(frozen=True)
class InferenceMaker:
    """Takes the lines of `closed` that the previous version does not have into windows.

    Lines that cannot be read, losses that the log noted and repeated records stand in `quarantine`. What is
    on the product's erasure list (input `erasures`), or was answered from it, is left out and taken out of
    old windows. Memory is bounded by a window, and by the ids and votes of what is kept.
    """

    settings: WindowSettings
    closed: Path

    def __call__(self, workspace: Workspace) -> Produced:
        """Write INFERENCE, FEEDBACK, the quarantine and how far the segments are taken."""
        before, staged = workspace.previous, workspace.scratch / "windows"
        shutil.rmtree(staged, ignore_errors=True)
        erasures = Erasures.given(workspace.inputs)
        windows = read_parts(before)
        known = {one for part in windows.values() for one in part.ids}
        intake, taken = Intake(erasures, known, erased_ids(windows, erasures)), Taken.read(before)
        cutter = Cutter(self.settings.window_rows, timedelta(hours=self.settings.window_hours))
        intake.read(self.closed, taken, cutter, staged)
        windows |= {name: Part.read(staged, name) for name in intake.windows}
        oldest = self._oldest(windows)
        kept = {
            name: part for name, part in sorted(windows.items()) if oldest is None or part.newest >= oldest
        }
        counts = write_parts(workspace.out, kept, intake.gone)
        taken.write(workspace.out, self.closed)
        refused = _quarantine(workspace, before, intake.refusals, oldest)
        return Produced(
            rows=counts["requests"],
            metrics={
                **counts,
                "windows": len(kept),
                "new_windows": len(intake.windows),
                "waiting": intake.waiting,
                "lost": intake.lost,
                "broken": intake.broken,
            },
            refused=refused.by_reason,
            tables={"refused": refused.samples},
            checks=(_complete(intake),),
        )

    def _oldest(self, windows: dict[str, Part]) -> datetime | None:
        if self.settings.keep_days is None or not windows:
            return None
        return max(part.newest for part in windows.values()) - timedelta(days=self.settings.keep_days)


def _quarantine(
    workspace: Workspace, before: Path | None, fresh: list[dict[str, Any]], oldest: datetime | None
) -> Quarantine:
    """What was refused before and now, in the order of the log, as long as windows of its time are kept."""
    rows = {row["refusal_id"]: row for row in fresh}
    if before is not None and (before / "quarantine").is_dir():
        rows |= {row["refusal_id"]: row for row in read_rows(before / "quarantine")}
    stamp = oldest.strftime(STAMP) if oldest is not None else ""
    with Quarantine(workspace.scratch / "quarantine.jsonl") as quarantine:
        for row in sorted(rows.values(), key=lambda row: (row["uri"], row["reason"])):
            segment = SegmentName.parse(row["uri"].partition("#")[0])
            if segment is None or segment.opened >= stamp:
                quarantine.add_row(row)
        quarantine.write(workspace.out / "quarantine")
    return quarantine


def _complete(intake: Intake) -> CheckOutcome:
    """Nothing was lost since the last version."""
    return CheckOutcome(
        COMPLETE,
        passed=not intake.lost and not intake.broken,
        description=f"since the last version {intake.lost:,} records lost, {intake.broken:,} unreadable",
        severity="warn",
        metadata={"lost": intake.lost, "broken": intake.broken},
    )
