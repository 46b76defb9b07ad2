"""What an examination says of one thing that it looked at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `remedy` says what to do when it is not `ok`."""

    area: str
    ok: bool
    what: str
    remedy: str = ""
