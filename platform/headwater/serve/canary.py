"""A new release on trial: it answers a share of the visitors until it can be compared with the old one.

A visitor (a session, a user, or one request of neither) always meets the same release during a trial.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field, replace

from pydantic import BaseModel, ConfigDict, Field

from headwater.fingerprint import digest_text
from headwater.serve.canary_verdict import Seen, Verdict, judge
from headwater.serve.released import Released

REMEMBERED = 2_000
"""Requests of each side that are compared, the newest: permuting their clusters takes 20 MB at most."""


class CanarySettings(BaseModel):
    """Whether and how new releases are tried. Raises `ValueError` that names the field."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    share: float = Field(default=0.0, ge=0.0, le=0.5, description="Share of the visitors; 0: no trials")
    requests: int = Field(default=200, ge=20, le=REMEMBERED, description="Requests of each side to judge by")
    rollback: bool = Field(default=False, description="Whether production goes back when a trial fails")


@dataclass
class _Side:
    """What one release answered, by response id."""

    seen: OrderedDict[str, Seen] = field(default_factory=OrderedDict[str, Seen])

    def add(self, response_id: str, seen: Seen) -> None:
        self.seen[response_id] = seen
        while len(self.seen) > REMEMBERED:
            self.seen.popitem(last=False)


class Canary:
    """The trial of `released` against the release `against`. All methods are safe between threads."""

    def __init__(self, released: Released, against: str, settings: CanarySettings) -> None:
        self.released = released
        self.against = against
        self.settings = settings
        self._sides = {released.release: _Side(), against: _Side()}
        self._lock = threading.Lock()

    def takes(self, visitor: str) -> bool:
        """Whether this visitor is answered by the new release: the same at every request of the trial."""
        place = int(digest_text(f"{self.released.release}\0{visitor}")[:16], 16)
        return place < self.settings.share * 2**64

    def answered(self, release: str, response_id: str, seen: Seen) -> None:
        """A request has ended. One of a release that takes no part counts for nothing."""
        with self._lock:
            if release in self._sides:
                self._sides[release].add(response_id, seen)

    def voted(self, response_id: str, vote: int) -> None:
        """Somebody judged a response (1, 0, -1); the last vote on it counts."""
        with self._lock:
            for side in self._sides.values():
                if response_id in side.seen:
                    side.seen[response_id] = replace(side.seen[response_id], vote=vote)

    @property
    def due(self) -> bool:
        """Whether both sides have answered enough."""
        with self._lock:
            return all(len(side.seen) >= self.settings.requests for side in self._sides.values())

    def counts(self) -> dict[str, int]:
        """Requests to judge by, for each release."""
        with self._lock:
            return {release: len(side.seen) for release, side in self._sides.items()}

    def verdict(self) -> Verdict:
        """Compare what both sides answered so far."""
        with self._lock:
            old = list(self._sides[self.against].seen.values())
            new = list(self._sides[self.released.release].seen.values())
        return judge(self.released.release, self.against, new, old)
