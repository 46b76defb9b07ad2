"""Closed segments: their names, and their lines in one order whatever segments they were cut into."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from headwater.inference_log.lines import BrokenLine, decoded
from headwater.inference_log.records import Entry

_NAME = re.compile(r"(?P<opened>\d{8}T\d{12})-(?P<writer>[0-9a-f]{8})-(?P<count>\d{6,})\.jsonl")
STAMP = "%Y%m%dT%H%M%S%f"


@dataclass(frozen=True, order=True)
class SegmentName:
    """When it was opened, by whom, and the how manieth of that writer it is."""

    opened: str
    writer: str
    count: int

    @classmethod
    def parse(cls, name: str) -> SegmentName | None:
        """The parts of a file name; None for another file."""
        found = _NAME.fullmatch(name)
        return cls(found["opened"], found["writer"], int(found["count"])) if found else None

    @classmethod
    def new(cls, writer: str, count: int, now: datetime) -> SegmentName:
        """The name of a segment that is opened now."""
        return cls(now.astimezone(UTC).strftime(STAMP), writer, count)

    def __str__(self) -> str:
        return f"{self.opened}-{self.writer}-{self.count:06d}.jsonl"


@dataclass(frozen=True)
class Line:
    """One line of a segment, `number` from 0. `entry` is a `BrokenLine` where it cannot be read."""

    segment: str
    number: int
    entry: Entry | BrokenLine

    @property
    def uri(self) -> str:
        """Its place, for people."""
        return f"{self.segment}#L{self.number + 1}"


def segments(folder: Path) -> list[str]:
    """Names of the segments in a folder, sorted; none where there is no folder."""
    if not folder.is_dir():
        return []
    return sorted(path.name for path in folder.iterdir() if SegmentName.parse(path.name))


def lines_of(path: Path, *, skip: int = 0) -> Iterator[Line]:
    """Lines of a segment after the first `skip`; none of one that was deleted meanwhile."""
    try:
        stream = path.open("rb")
    except FileNotFoundError:
        return
    with stream:
        for number, line in enumerate(stream):
            if number < skip:
                continue
            try:
                entry: Entry | BrokenLine = decoded(line)
            except BrokenLine as broken:
                entry = broken
            yield Line(path.name, number, entry)


def in_order(folder: Path, taken: Mapping[str, int]) -> Iterator[Line]:
    """Lines of all segments that are not taken yet, in the order in which they were logged.

    `taken` says how many lines of a segment are. One file of each writer is open at a time.
    """
    by_writer: dict[str, list[tuple[int, str]]] = {}
    for name in segments(folder):
        parsed = SegmentName.parse(name)
        assert parsed is not None
        by_writer.setdefault(parsed.writer, []).append((parsed.count, name))
    streams = [
        _of_writer(folder, [name for _, name in sorted(names)], taken)
        for _, names in sorted(by_writer.items())
    ]
    for _, line in heapq.merge(*streams, key=_place):
        yield line


def _of_writer(
    folder: Path, names: list[str], taken: Mapping[str, int]
) -> Iterator[tuple[tuple[Any, ...], Line]]:
    """Lines with what orders them among other writers'; a broken one stays beside the line before it."""
    logged = datetime.min.replace(tzinfo=UTC)
    for name in names:
        for line in lines_of(folder / name, skip=taken.get(name, 0)):
            if isinstance(line.entry, Entry):
                logged = max(logged, line.entry.logged)
            yield (logged, name, line.number), line


def _place(pair: tuple[tuple[Any, ...], Line]) -> tuple[Any, ...]:
    return pair[0]
