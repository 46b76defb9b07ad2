"""What a dead writer left: its segments are closed, and what it lost is noted in them."""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime
from pathlib import Path

from headwater.inference_log.claim import Claim, of_dead_writers
from headwater.inference_log.lines import encoded
from headwater.inference_log.places import Places
from headwater.inference_log.records import Entry
from headwater.inference_log.segments import SegmentName, lines_of, segments

log = logging.getLogger("headwater")


def recover(places: Places) -> int:
    """Close the segments of writers that live no more; returns how many writers that were.

    A torn last line stays and is refused when it is read; records that were given to the writer and never
    reached the disk are counted in a last line. Raises `OSError`; what is done by then stays done.
    """
    writers = 0
    if not places.open.is_dir():
        return 0
    for claim in of_dead_writers(places.open):
        settled = False
        try:
            _settle(places, claim)
            settled = True
        finally:
            claim.release(settled=settled)
        writers += 1
    return writers


def _settle(places: Places, claim: Claim) -> None:
    left = [name for name in segments(places.open) if _writer(name) == claim.writer]
    last = places.open / left[-1] if left else None
    torn = last is not None and not last.read_bytes().endswith(b"\n")
    numbers = [line.entry.number for line in lines_of(last) if isinstance(line.entry, Entry)] if last else []
    lost = claim.accepted - max([claim.written, *numbers]) - torn
    if lost > 0:
        log.warning("the log's writer %s ended and lost %d records", claim.writer, lost)
        last = last or places.open / str(SegmentName.new(claim.writer, _next(places, claim), _now()))
    if last is not None:
        note = {"number": claim.accepted, "logged": _now().isoformat(), "record": None, "lost": lost}
        _append(last, b"\n" * torn + (encoded(note) if lost > 0 else b""))
    for name in segments(places.open):
        if _writer(name) == claim.writer:
            close_segment(places, name)


def close_segment(places: Places, name: str) -> None:
    """Move a segment to the closed ones, for good. Raises `OSError`."""
    (places.open / name).rename(places.closed / name)
    for folder in (places.closed, places.open):
        sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Make what happened to a folder's names outlast a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _append(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "ab") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _writer(name: str) -> str:
    parsed = SegmentName.parse(name)
    return parsed.writer if parsed else ""


def _next(places: Places, claim: Claim) -> int:
    """The count of a further segment of this writer."""
    parsed = [SegmentName.parse(name) for name in segments(places.closed)]
    return max([one.count for one in parsed if one and one.writer == claim.writer], default=0) + 1


def _now() -> datetime:
    return datetime.now(UTC)
