"""Lines become windows: cut by number and by time, in the order of the log, wherever segments end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from headwater.fingerprint import digest_json
from headwater.inference_log.records import Feedback, Request
from headwater.inference_log.segments import STAMP


@dataclass
class Window:
    """Records that belong together, in the order of the log."""

    requests: list[Request] = field(default_factory=list[Request])
    judgements: list[Feedback] = field(default_factory=list[Feedback])
    logged: datetime | None = None
    first: datetime | None = None
    last: datetime | None = None

    def __bool__(self) -> bool:
        return bool(self.requests or self.judgements)

    def add(self, record: Request | Feedback, logged: datetime) -> None:
        """Take a record in."""
        if isinstance(record, Request):
            self.requests.append(record)
        else:
            self.judgements.append(record)
        self.logged = self.logged or logged
        self.first = min(self.first or record.time, record.time)
        self.last = max(self.last or record.time, record.time)

    def spans(self, record: Request | Feedback) -> timedelta:
        """The time between its earliest and latest record if this one came too."""
        first, last = self.first or record.time, self.last or record.time
        return max(last, record.time) - min(first, record.time)

    @property
    def id(self) -> str:
        """`w-`, when its first record was logged, and 8 hex digits of which records it has."""
        assert self.logged is not None
        names = [*(one.response_id for one in self.requests), *(one.feedback_id for one in self.judgements)]
        return f"w-{self.logged.strftime(STAMP)}-{digest_json(names)[:8]}"


@dataclass
class Cutter:
    """Fills windows. One ends with its `rows`-th request, or judgement, or before it spans `span`."""

    rows: int
    span: timedelta
    window: Window = field(default_factory=Window)

    def add(self, record: Request | Feedback, logged: datetime) -> Iterator[tuple[Window, bool]]:
        """Windows that end with this record: each with whether the record is in it."""
        if self.window and self.window.spans(record) >= self.span:
            yield self._cut(), False
        self.window.add(record, logged)
        if max(len(self.window.requests), len(self.window.judgements)) >= self.rows:
            yield self._cut(), True

    def _cut(self) -> Window:
        done, self.window = self.window, Window()
        return done
