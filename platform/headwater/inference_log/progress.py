"""How far the segments are in windows: lines taken of each, kept beside the windows in the lake."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from headwater.inference_log.segments import segments
from headwater.tables import read_json, write_json

FILE = "segments.json"


class Taken:
    """Lines of each segment that are in windows or refused for good. Pending ones follow in their order."""

    def __init__(self, before: Mapping[str, int]) -> None:
        self.lines = dict(before)
        self.moved = False
        self._seen: dict[str, int] = {}

    @classmethod
    def read(cls, folder: Path | None) -> Taken:
        """As a version of the asset has it; nothing without one."""
        path = folder / FILE if folder is not None else None
        return cls(read_json(path)["taken"] if path is not None and path.is_file() else {})

    def pending(self, segment: str, line: int) -> None:
        """A record of this line waits for its window to close."""
        self._seen[segment] = line + 1

    def refused(self, segment: str, line: int) -> None:
        """This line is no record of a window."""
        if segment in self._seen:
            self._seen[segment] = line + 1
        else:
            self._set(segment, line + 1)

    def closed(self) -> None:
        """All that waited stands in a window now."""
        for segment, lines in self._seen.items():
            self._set(segment, lines)
        self._seen.clear()

    def _set(self, segment: str, lines: int) -> None:
        self.lines[segment] = lines
        self.moved = True

    def write(self, folder: Path, present: Path) -> None:
        """Write it below `folder`. Segments that are no longer `present` are left out, once others moved:
        a build that finds nothing new writes what it read."""
        there = set(segments(present))
        kept = {name: lines for name, lines in self.lines.items() if not self.moved or name in there}
        write_json(folder / FILE, {"taken": kept})


def delete_taken(closed: Path, version: Path) -> int:
    """Delete the segments of which `version` has every line; returns how many that were."""
    taken = Taken.read(version).lines
    deleted = 0
    for name in segments(closed):
        path = closed / name
        if name in taken and taken[name] >= _count_lines(path):
            path.unlink(missing_ok=True)
            deleted += 1
    return deleted


def _count_lines(path: Path) -> int:
    try:
        with path.open("rb") as stream:
            return sum(1 for _ in stream)
    except FileNotFoundError:
        return 0
