"""From lines to new windows: what cannot be read, is there already or was erased does not come in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headwater.curate.erasures import Erasures
from headwater.curate.quarantine import Refusal
from headwater.inference_log.lines import BrokenLine
from headwater.inference_log.progress import Taken
from headwater.inference_log.records import Feedback, Request
from headwater.inference_log.segments import Line, in_order
from headwater.inference_log.table import JUDGEMENTS, feedback_rows, part_of, request_rows
from headwater.inference_log.windows import Cutter, Window
from headwater.tables import write_table

SOURCE = "inference_log"
STEP = "read"


@dataclass
class Intake:
    """Reads lines once. `known` are the ids that the log has, `gone` those of erased rows; both grow.

    Afterwards `windows` names the new windows, `refusals` are rows of the quarantine, `lost` and `broken`
    count records that the log noted as missing and lines that cannot be read, `waiting` the records that
    fill no window yet.
    """

    erasures: Erasures
    known: set[str]
    gone: set[str]
    windows: list[str] = field(default_factory=list[str])
    refusals: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    lost: int = 0
    broken: int = 0
    waiting: int = 0

    def read(self, closed: Path, taken: Taken, cutter: Cutter, staged: Path) -> None:
        """Write the windows that close below `staged`, not joined yet, and say what was `taken`."""
        for line in in_order(closed, dict(taken.lines)):
            record = self._accepted(line)
            if record is None:
                taken.refused(line.segment, line.number)
                continue
            assert not isinstance(line.entry, BrokenLine)
            inside = False
            for window, inside in cutter.add(record, line.entry.logged):
                if inside:
                    taken.pending(line.segment, line.number)
                taken.closed()
                self.windows.append(_stage(staged, window))
            if not inside:
                taken.pending(line.segment, line.number)
        self.waiting = len(cutter.window.requests) + len(cutter.window.judgements)

    def _accepted(self, line: Line) -> Request | Feedback | None:
        """The record of a line, if it is one and goes into a window."""
        entry = line.entry
        if isinstance(entry, BrokenLine):
            self.broken += 1
            self._refuse(line, entry.reason, str(entry))
            return None
        if entry.lost:
            self.lost += entry.lost
            self._refuse(line, "lost", f"{entry.lost:,} records could not be kept before this line")
        record = entry.record
        if record is None:
            return None
        key = record.response_id if isinstance(record, Request) else record.feedback_id
        if self._is_erased(key, record):
            self.gone.add(key)
            return None
        if key in self.known:
            self._refuse(line, "duplicate", "its id stands in the log already")
            return None
        self.known.add(key)
        return record

    def _is_erased(self, key: str, record: Request | Feedback) -> bool:
        if isinstance(record, Request):
            passages = [(passage.document_id, passage.uri) for passage in record.retrieved]
            return request_erased(key, (record.user, record.session), passages, self.erasures)
        return record.response_id in self.gone or judgement_erased(
            key, record.response_id, record.user, self.erasures
        )

    def _refuse(self, line: Line, reason: str, detail: str) -> None:
        self.refusals.append(Refusal(line.uri, SOURCE, STEP, reason, detail).row())


def request_erased(
    response_id: str, people: Iterable[str], retrieved: Iterable[tuple[str, str]], erasures: Erasures
) -> bool:
    """Whether a request is on the list, or one of its people (pseudonyms) is, or a passage (document id, uri)
    that it was given."""
    return any(map(erasures.document, (response_id, *people))) or any(
        erasures.document(document_id) or erasures.file(uri.partition("#")[0])
        for document_id, uri in retrieved
    )


def judgement_erased(feedback_id: str, response_id: str, user: str, erasures: Erasures) -> bool:
    """Whether a judgement is on the list, or its response, or who judged."""
    return any(map(erasures.document, (feedback_id, response_id, user)))


def _stage(folder: Path, window: Window) -> str:
    name = window.id
    if window.requests:
        write_table(part_of(folder, name), request_rows(name, window.requests))
    if window.judgements:
        write_table(part_of(folder / JUDGEMENTS, name), feedback_rows(name, window.judgements))
    return name
