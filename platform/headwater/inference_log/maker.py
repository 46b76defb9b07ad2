"""The maker of a product's `inference`: windows of closed segments, the feedback joined, the old let go."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
from pydantic import Field

from headwater.curate.erasures import Erasures
from headwater.curate.quarantine import Quarantine, Refusal
from headwater.inference_log.join import NOBODY, Judged
from headwater.inference_log.lines import BrokenLine
from headwater.inference_log.progress import Taken
from headwater.inference_log.records import Feedback, Request
from headwater.inference_log.segments import STAMP, Line, SegmentName, in_order
from headwater.inference_log.table import (
    feedback_rows,
    part_of,
    read_part,
    replaced,
    request_rows,
    windows_in,
)
from headwater.inference_log.windows import Cutter, Window
from headwater.schemas.inference import FEEDBACK, INFERENCE
from headwater.sources import Settings
from headwater.tables import part_path, read_rows, write_table
from headwater.workspace import CheckOutcome, Produced, Workspace

SOURCE = "inference_log"
STEP = "read"
COMPLETE = "log_complete"
JUDGEMENTS = "feedback"
"""The folder of the second dataset."""
_REQUEST_COLUMNS = ("response_id", "time", "user", "vote", "feedback", "retrieved")
_FEEDBACK_COLUMNS = ("feedback_id", "response_id", "time", "user", "vote", "served")


class WindowSettings(Settings):
    """When a window closes, and how long it is kept.

    A window closes at `window_rows` requests (or judgements), or before its records would span
    `window_hours`; times are those of the records, never of the build. A window goes when its newest record
    is `keep_days` older than the newest of all; null keeps everything.
    """

    window_rows: Annotated[int, Field(ge=1, le=100_000)] = 500
    window_hours: Annotated[float, Field(gt=0, le=24 * 366)] = 24.0
    keep_days: Annotated[float, Field(gt=0, le=366_000)] | None = 90.0


@dataclass
class _Part:
    """One window: where its rows stand now, what the join needs of them, and which of them are to go."""

    requests: Path | None
    judgements: Path | None
    asked: list[dict[str, Any]]
    judged: list[dict[str, Any]]

    @classmethod
    def read(cls, folder: Path, window: str) -> _Part:
        """The window's parts below the folder of a version."""
        requests, judgements = part_of(folder, window), part_of(folder / JUDGEMENTS, window)
        asked = read_part(requests, _REQUEST_COLUMNS).to_pylist() if requests.is_file() else []
        judged = read_part(judgements, _FEEDBACK_COLUMNS).to_pylist() if judgements.is_file() else []
        return cls(requests if asked else None, judgements if judged else None, asked, judged)

    @property
    def newest(self) -> datetime:
        return max(row["time"] for row in (*self.asked, *self.judged))


@dataclass
class _Reading:
    """What reading the segments found."""

    known: set[str]
    gone: set[str]
    refusals: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    windows: list[str] = field(default_factory=list[str])
    lost: int = 0
    broken: int = 0
    waiting: int = 0


@dataclass(frozen=True)
class InferenceMaker:
    """Takes the lines of `closed` that the previous version does not have into windows.

    Lines that cannot be read, losses that the log noted and repeated records stand in `quarantine`. What is
    on the product's erasure list (input `erasures`), or was answered from it, is left out and taken out of
    old windows. Memory is bounded by a window and the ids of what is kept.
    """

    settings: WindowSettings
    closed: Path

    def __call__(self, workspace: Workspace) -> Produced:
        """Write INFERENCE, FEEDBACK, the quarantine and how far the segments are taken."""
        erasures = Erasures.given(workspace.inputs)
        before, staged = workspace.previous, workspace.scratch / "windows"
        shutil.rmtree(staged, ignore_errors=True)
        old = _windows(before)
        found = {window: _Part.read(before, window) for window in old} if before is not None else {}
        gone = _erased(found, erasures)
        known = {row[key] for part in found.values() for row, key in _keyed(part)}
        reading = _Reading(known, gone)
        taken = Taken.read(before)
        self._read(taken, reading, erasures, staged)
        found |= {window: _Part.read(staged, window) for window in reading.windows}
        kept = self._kept(found)
        counts = _write(workspace.out, kept, reading.gone)
        taken.write(workspace.out, self.closed)
        refused = _quarantine(workspace, before, reading.refusals, self._cutoff(kept))
        return Produced(
            rows=counts["requests"],
            metrics={
                **counts,
                "windows": len(kept),
                "new_windows": len(reading.windows),
                "waiting": reading.waiting,
                "lost": reading.lost,
                "broken": reading.broken,
            },
            refused=refused.by_reason,
            tables={"refused": refused.samples},
            checks=(_complete(reading),),
        )

    def _read(self, taken: Taken, reading: _Reading, erasures: Erasures, staged: Path) -> None:
        cutter = Cutter(self.settings.window_rows, timedelta(hours=self.settings.window_hours))
        for line in in_order(self.closed, dict(taken.lines)):
            record = _accepted(line, reading, erasures)
            if record is None:
                taken.refused(line.segment, line.number)
                continue
            assert not isinstance(line.entry, BrokenLine)
            inside = False
            for window, inside in cutter.add(record, line.entry.logged):
                if inside:
                    taken.pending(line.segment, line.number)
                taken.closed()
                reading.windows.append(_stage(staged, window))
            if not inside:
                taken.pending(line.segment, line.number)
        reading.waiting = len(cutter.window.requests) + len(cutter.window.judgements)

    def _cutoff(self, windows: dict[str, _Part]) -> datetime | None:
        if self.settings.keep_days is None or not windows:
            return None
        return max(part.newest for part in windows.values()) - timedelta(days=self.settings.keep_days)

    def _kept(self, windows: dict[str, _Part]) -> dict[str, _Part]:
        cutoff = self._cutoff(windows)
        return {
            name: part for name, part in sorted(windows.items()) if cutoff is None or part.newest >= cutoff
        }


def _windows(folder: Path | None) -> list[str]:
    return [] if folder is None else sorted({*windows_in(folder), *windows_in(folder / JUDGEMENTS)})


def _keyed(part: _Part) -> Iterable[tuple[dict[str, Any], str]]:
    yield from ((row, INFERENCE.key) for row in part.asked)
    yield from ((row, FEEDBACK.key) for row in part.judged)


def _is_erased(response_id: str, retrieved: Iterable[tuple[str, str]], erasures: Erasures) -> bool:
    """Whether a request is on the list, or was given a passage of what is."""
    return erasures.document(response_id) or any(
        erasures.document(document_id) or erasures.file(uri.partition("#")[0])
        for document_id, uri in retrieved
    )


def _erased(windows: dict[str, _Part], erasures: Erasures) -> set[str]:
    """Ids of the rows that must go."""
    if not erasures.entries:
        return set()
    responses = {
        row["response_id"]
        for part in windows.values()
        for row in part.asked
        if _is_erased(
            row["response_id"], [(one["document_id"], one["uri"]) for one in row["retrieved"]], erasures
        )
    }
    judgements = {
        row["feedback_id"]
        for part in windows.values()
        for row in part.judged
        if row["response_id"] in responses
        or erasures.document(row["feedback_id"])
        or erasures.document(row["response_id"])
    }
    return responses | judgements


def _accepted(line: Line, reading: _Reading, erasures: Erasures) -> Request | Feedback | None:
    """The record of a line, if it is one and goes into a window."""
    entry = line.entry
    if isinstance(entry, BrokenLine):
        reading.broken += 1
        _refuse(reading, line, entry.reason, str(entry))
        return None
    if entry.lost:
        reading.lost += entry.lost
        _refuse(reading, line, "lost", f"{entry.lost:,} records could not be kept before this line")
    record = entry.record
    if record is None:
        return None
    key = record.response_id if isinstance(record, Request) else record.feedback_id
    if isinstance(record, Request):
        erased = _is_erased(
            key, [(passage.document_id, passage.uri) for passage in record.retrieved], erasures
        )
    else:
        erased = (
            record.response_id in reading.gone
            or erasures.document(record.response_id)
            or erasures.document(key)
        )
    if erased:
        reading.gone.add(key)
        return None
    if key in reading.known:
        _refuse(reading, line, "duplicate", "its id stands in the log already")
        return None
    reading.known.add(key)
    return record


def _refuse(reading: _Reading, line: Line, reason: str, detail: str) -> None:
    reading.refusals.append(Refusal(line.uri, SOURCE, STEP, reason, detail).row())


def _stage(folder: Path, window: Window) -> str:
    """Write a window's rows, before the join."""
    name = window.id
    if window.requests:
        write_table(part_of(folder, name), request_rows(name, window.requests))
    if window.judgements:
        write_table(part_of(folder / JUDGEMENTS, name), feedback_rows(name, window.judgements))
    return name


def _write(out: Path, windows: dict[str, _Part], gone: set[str]) -> dict[str, int]:
    """Join, and write every window; one in which nothing changes keeps its bytes."""
    judged: dict[str, Judged] = {}
    for part in windows.values():
        for row in part.judged:
            if row["feedback_id"] not in gone:
                judged.setdefault(row["response_id"], Judged()).add(row)
    served = {row["response_id"] for part in windows.values() for row in part.asked}
    counts = {"requests": 0, "judgements": 0, "judged": 0}
    for name, part in windows.items():
        if part.requests is not None:
            staying = [row for row in part.asked if row["response_id"] not in gone]
            wanted = [
                (of.vote(row["user"]), of.count)
                for row in staying
                for of in (judged.get(row["response_id"], NOBODY),)
            ]
            same = [(row["vote"], row["feedback"]) for row in part.asked] == wanted
            columns = {"vote": [vote for vote, _ in wanted], "feedback": [count for _, count in wanted]}
            _place(part.requests, part_of(out, name), INFERENCE.key, gone, columns, same=same)
            counts["requests"] += len(staying)
            counts["judged"] += sum(count > 0 for _, count in wanted)
        if part.judgements is not None:
            rows = [row for row in part.judged if row["feedback_id"] not in gone]
            known = [row["served"] or row["response_id"] in served for row in rows]
            same = [row["served"] for row in part.judged] == known
            place = part_of(out / JUDGEMENTS, name)
            _place(part.judgements, place, FEEDBACK.key, gone, {"served": known}, same=same)
            counts["judgements"] += len(rows)
    for folder, schema in ((out, INFERENCE.arrow), (out / JUDGEMENTS, FEEDBACK.arrow)):
        if not windows_in(folder):
            write_table(part_path(folder, 0), schema.empty_table())
    return counts


def _place(
    source: Path, target: Path, key: str, gone: set[str], columns: dict[str, list[Any]], *, same: bool
) -> None:
    """A part at its place: the same file, or without the rows that go and with these values."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if same:
        shutil.copyfile(source, target)
        return
    rows = read_part(source)
    rows = rows.filter(pa.array([value not in gone for value in rows[key].to_pylist()], pa.bool_()))
    for name, values in columns.items():
        rows = replaced(rows, name, values)
    if len(rows):
        write_table(target, rows)


def _quarantine(
    workspace: Workspace, before: Path | None, fresh: list[dict[str, Any]], cutoff: datetime | None
) -> Quarantine:
    """What was refused before and now, in the order of the log, as long as windows of its time are kept."""
    oldest = cutoff.strftime(STAMP) if cutoff is not None else ""
    rows = {row["refusal_id"]: row for row in fresh}
    if before is not None and (before / "quarantine").is_dir():
        rows |= {row["refusal_id"]: row for row in read_rows(before / "quarantine")}
    with Quarantine(workspace.scratch / "quarantine.jsonl") as quarantine:
        for row in sorted(rows.values(), key=lambda row: (row["uri"], row["reason"])):
            segment = SegmentName.parse(row["uri"].partition("#")[0])
            if segment is None or segment.opened >= oldest:
                quarantine.add_row(row)
        quarantine.write(workspace.out / "quarantine")
    return quarantine


def _complete(reading: _Reading) -> CheckOutcome:
    """Nothing was lost since the last version."""
    return CheckOutcome(
        COMPLETE,
        passed=not reading.lost and not reading.broken,
        description=f"since the last version {reading.lost:,} records lost, {reading.broken:,} unreadable",
        severity="warn",
        metadata={"lost": reading.lost, "broken": reading.broken},
    )


def version_windows(folder: Path) -> list[str]:
    """Windows of a version of the asset, oldest first."""
    return _windows(folder)
