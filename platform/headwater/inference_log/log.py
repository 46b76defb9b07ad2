"""The log that a service is given: a bounded queue, and a thread that makes records fit and writes them."""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from headwater.curate.pii import Redact
from headwater.inference_log.places import Places
from headwater.inference_log.privacy import Privacy, key_from, key_in
from headwater.inference_log.writer import SegmentLimits, SegmentWriter
from headwater.serve.request_log import Record

log = logging.getLogger("headwater")

WAITING = 4096
"""Records that may wait to be written."""
RETRY_SECONDS = 1.0
"""Between two attempts to open the log's folder."""
_Item = tuple[int, str, Record]


class InferenceLog:
    """Keeps requests and feedback below `home/inference/<product>`; see `headwater.serve.request_log`.

    A record is redacted before it touches the disk, where it is at most a second later, also when the process
    is killed. Where there is no room, or no folder, records are dropped and counted, and the next one is
    tried again; the log itself notes how many are missing. Raises `ValueError` for a key that is too short.
    """

    def __init__(
        self,
        home: Path,
        product: str,
        *,
        limits: SegmentLimits | None = None,
        redact: Redact | None = None,
        environment: Mapping[str, str] = os.environ,
        waiting: int = WAITING,
    ) -> None:
        self._places = Places.of(home, product)
        self._limits = limits or SegmentLimits()
        self._redact = redact or Redact()
        # A step that lacks what it needs (a pipeline for names) says so now, not in the thread.
        self._redact.redact("")
        self._key = key_from(environment)
        self._queue: queue.Queue[_Item | None] = queue.Queue(waiting)
        self._lock = threading.Lock()
        self._accepted = self._dropped = 0
        self._logged = datetime.min.replace(tzinfo=UTC)
        self._closing = False
        self._writer: SegmentWriter | None = None
        self._privacy: Privacy | None = None
        self._next_try = 0.0
        self._failing = False
        # Before the first record, so that a kill finds none uncounted.
        self._attempt(self._ready)
        self._thread = threading.Thread(target=self._run, name="inference log", daemon=True)
        self._thread.start()

    @property
    def dropped_total(self) -> int:
        """Records that could not be kept since the start."""
        return self._dropped

    def request(self, record: Record) -> None:
        """A request was answered, refused or left."""
        self._accept(record)

    def feedback(self, record: Record) -> None:
        """Somebody judged a response."""
        self._accept(record)

    def close(self, timeout: float = 10.0) -> None:
        """Write what waits and close the segment. Gives up after `timeout` seconds; later records drop."""
        with self._lock:
            if self._closing:
                return
            self._closing = True
        try:
            self._queue.put(None, timeout=timeout)
        except queue.Full:
            log.warning("the inference log does not get on: what waits is lost")
            return
        self._thread.join(timeout)

    def _accept(self, record: Record) -> None:
        with self._lock:
            self._accepted += 1
            self._logged = max(datetime.now(UTC), self._logged + timedelta(microseconds=1))
            self._note_accepted()
            try:
                if self._closing:
                    raise queue.Full
                self._queue.put_nowait((self._accepted, _stamp(self._logged), record))
            except queue.Full:
                self._dropped += 1

    def _note_accepted(self) -> None:
        writer = self._writer
        if writer is not None and not self._closing:
            try:
                writer.claim.accept(self._accepted)
            except OSError:
                # Only the count after a kill would be short by this one.
                return

    def _run(self) -> None:
        while True:
            try:
                item = self._queue.get(timeout=self._limits.sync_seconds / 2)
            except queue.Empty:
                self._attempt(self._tick)
                continue
            if item is None:
                break
            if not self._attempt(lambda item=item: self._write(item)):
                self._drop(1)
            self._attempt(self._tick)
        self._attempt(self._end)

    def _write(self, item: _Item) -> None:
        number, logged, record = item
        writer, privacy = self._ready()
        writer.write(number, logged, privacy.apply(record))

    def _ready(self) -> tuple[SegmentWriter, Privacy]:
        """Writer and key, once the folder can be had. Raises `OSError`."""
        if self._privacy is not None and self._writer is not None:
            return self._writer, self._privacy
        now = time.monotonic()
        if now < self._next_try:
            raise BlockingIOError("the folder of the log could not be had a moment ago")
        self._next_try = now + RETRY_SECONDS
        self._places.make()
        self._privacy = Privacy(self._key or key_in(self._places.key), self._redact)
        writer = SegmentWriter(self._places, self._limits)
        with self._lock:
            self._writer = writer
            self._note_accepted()
        return writer, self._privacy

    def _tick(self) -> None:
        if self._writer is not None:
            self._writer.tick()

    def _end(self) -> None:
        if self._writer is not None:
            self._writer.close(self._accepted, _stamp(self._logged + timedelta(microseconds=1)))

    def _attempt(self, work: Any) -> bool:
        """Do something that the disk may refuse, or a record that cannot be kept; whether it went well."""
        try:
            work()
        except (OSError, ValueError, TypeError) as error:
            if not self._failing:
                # The message of another error may hold what a person wrote.
                reason = error.strerror if isinstance(error, OSError) else type(error).__name__
                log.warning("the inference log drops records: %s", reason)
            self._failing = True
            return False
        if self._failing and work != self._tick:
            log.warning("the inference log keeps records again; %d were dropped", self._dropped)
            self._failing = False
        return True

    def _drop(self, count: int) -> None:
        with self._lock:
            self._dropped += count


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")
