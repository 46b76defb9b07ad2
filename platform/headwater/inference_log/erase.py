"""Erasure in segments that are no window yet, also in those that a service writes to at this moment.

A line is overwritten where it stands with one of the same length that only says that something was erased:
lines keep their numbers, their places, and the order of the log.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headwater.inference_log.lines import BrokenLine, encoded, json_of
from headwater.inference_log.places import Places
from headwater.inference_log.segments import segments


@dataclass(frozen=True)
class _Held:
    """A line that holds it: where it begins in its file, and its bytes with the line feed."""

    path: Path
    offset: int
    line: bytes

    @property
    def id(self) -> str:
        """The request's or judgement's; empty if it cannot be read."""
        with suppress(BrokenLine):
            record: Any = json_of(self.line).get("record")
            if isinstance(record, dict):
                return str(record.get("feedback_id") or record.get("response_id") or "")
        return ""


def ids_held(places: Places, pattern: re.Pattern[str]) -> set[str]:
    """Ids of the requests and judgements whose lines the pattern finds."""
    return {held.id for held in _held(places, pattern)} - {""}


def erase_lines(places: Places, pattern: re.Pattern[str]) -> int:
    """Overwrite every line that the pattern finds; returns how many that were. Raises `OSError`."""
    erased = 0
    for held in _held(places, pattern):
        # A segment that is closed meanwhile is found among the closed ones, which are looked through last.
        with suppress(FileNotFoundError), held.path.open("r+b") as stream:
            os.pwrite(stream.fileno(), _instead(held.line), held.offset)
            os.fsync(stream.fileno())
            erased += 1
    return erased


def _held(places: Places, pattern: re.Pattern[str]) -> Iterator[_Held]:
    for folder in (places.open, places.closed):
        for name in segments(folder):
            offset = 0
            with suppress(FileNotFoundError), (folder / name).open("rb") as stream:
                for line in stream:
                    # Without its line feed a line is being written at this moment.
                    if line.endswith(b"\n") and pattern.search(line.decode("utf-8", "replace")):
                        yield _Held(folder / name, offset, line)
                    offset += len(line)


def _instead(line: bytes) -> bytes:
    """A line of the same length that keeps the number and the time; blank where they cannot be read."""
    with suppress(BrokenLine):
        value = json_of(line)
        note = {name: value.get(name) for name in ("number", "logged")}
        empty = {**note, "record": None, "erased": True, "room": ""}
        room = len(line) - len(encoded(empty))
        if room >= 0:
            return encoded({**empty, "room": "." * room})
    return b" " * (len(line) - 1) + b"\n"
