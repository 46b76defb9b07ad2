"""The loop's protocol: what happened when, printed as it happens and kept as JSON and Markdown."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from headwater.cli.output import console

JSON_FILE, MARKDOWN_FILE = "timeline.json", "timeline.md"


@dataclass(frozen=True)
class Event:
    """Something that happened; `at` and `took` in seconds, `at` since the loop began."""

    at: float
    took: float
    what: str
    told: str


@dataclass
class Timeline:
    """Events in their order. `folder` gets both files after every event."""

    folder: Path
    began: float = field(default_factory=time.monotonic)
    events: list[Event] = field(default_factory=list[Event])
    _last: float = 0.0

    def __post_init__(self) -> None:
        self._last = self.began

    def note(self, what: str, told: str = "") -> Event:
        """Something has just happened; it took the time since the last event."""
        now = time.monotonic()
        event = Event(round(now - self.began, 1), round(now - self._last, 1), what, told)
        self._last = now
        self.events.append(event)
        console.print(f"[dim]{event.at:6.1f} s[/dim]  [bold]{what}[/bold]  {told}", soft_wrap=True)
        self._write()
        return event

    def _write(self) -> None:
        rows = [asdict(event) for event in self.events]
        (self.folder / JSON_FILE).write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
        lines = ["| second | took | what | |", "|---|---|---|---|"]
        lines += [f"| {row.at:.1f} | {row.took:.1f} | {row.what} | {row.told} |" for row in self.events]
        (self.folder / MARKDOWN_FILE).write_text("\n".join(lines) + "\n", encoding="utf-8")
