"""One writer's segments: lines appended to an open file, which is closed by size, by age and at the end.

Everything here may raise `OSError`; a line that could not be written whole leaves no piece of itself.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from headwater.inference_log.claim import Claim
from headwater.inference_log.lines import encoded
from headwater.inference_log.places import Places
from headwater.inference_log.recovery import close_segment, recover
from headwater.inference_log.segments import SegmentName, segments


class SegmentLimits(BaseModel):
    """When a segment closes, and how long what was written may wait for the disk.

    Raises `ValueError` that names the field.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    segment_bytes: int = Field(default=8 << 20, ge=1)
    segment_seconds: float = Field(default=600.0, gt=0)
    sync_seconds: float = Field(default=0.5, gt=0, le=1.0)


@dataclass
class _Open:
    path: Path
    descriptor: int
    opened: float
    size: int = 0
    dirty_since: float | None = None


class SegmentWriter:
    """Made once per process; its methods but `claim.accept` are called by one thread."""

    def __init__(self, places: Places, limits: SegmentLimits) -> None:
        places.make()
        recover(places)
        self.places, self.limits = places, limits
        self.claim = Claim.new(places.open)
        self.written = 0
        self._segments = 0
        self._open: _Open | None = None

    def write(self, number: int, logged: str, record: Mapping[str, Any]) -> None:
        """Append a record, after a note of those that are missing before it.

        Raises `OSError`, and `ValueError` or `TypeError` for a record that JSON cannot hold.
        """
        lines = encoded({"number": number, "logged": logged, "record": record})
        missing = number - self.written - 1
        if missing > 0:
            lines = self._note(number - 1, logged, missing) + lines
        self._append(number, lines)

    def tick(self) -> None:
        """Bring to disk what waits long enough, and close a segment that is due."""
        current, now = self._open, time.monotonic()
        if current is None:
            self._close_left()
            return
        if current.size >= self.limits.segment_bytes or now - current.opened >= self.limits.segment_seconds:
            self._close()
        elif current.dirty_since is not None and now - current.dirty_since >= self.limits.sync_seconds:
            os.fsync(current.descriptor)
            current.dirty_since = None

    def close(self, accepted: int, logged: str) -> None:
        """The end: note what is missing, close the segment, give up the claim."""
        settled = False
        try:
            if accepted > self.written:
                self._append(accepted, self._note(accepted, logged, accepted - self.written))
            self._close()
            self._close_left()
            settled = True
        finally:
            self.claim.release(settled=settled)

    def _note(self, number: int, logged: str, missing: int) -> bytes:
        return encoded({"number": number, "logged": logged, "record": None, "lost": missing})

    def _append(self, number: int, lines: bytes) -> None:
        current = self._open or self._new()
        try:
            _write_all(current.descriptor, lines)
        except OSError:
            # Another file may still be possible where this one is not, and closed segments can be taken away.
            with suppress(OSError):
                os.ftruncate(current.descriptor, current.size)
            self._close()
            raise
        current.size += len(lines)
        current.dirty_since = current.dirty_since or time.monotonic()
        self.written = number
        with suppress(OSError):
            self.claim.wrote(number)

    def _new(self) -> _Open:
        name = SegmentName.new(self.claim.writer, self._segments + 1, datetime.now(UTC))
        path = self.places.open / str(name)
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
        self._segments += 1
        self._open = _Open(path, descriptor, time.monotonic())
        return self._open

    def _close(self) -> None:
        current, self._open = self._open, None
        if current is None:
            return
        try:
            os.fsync(current.descriptor)
        finally:
            os.close(current.descriptor)
        if current.size:
            close_segment(self.places, current.path.name)
        else:
            current.path.unlink()

    def _close_left(self) -> None:
        """Segments that could not be moved when they were closed."""
        for name in segments(self.places.open):
            parsed = SegmentName.parse(name)
            if parsed is not None and parsed.writer == self.claim.writer:
                close_segment(self.places, name)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
