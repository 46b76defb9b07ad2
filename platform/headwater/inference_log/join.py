"""Which judgements belong to which response, over all windows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass
class Judged:
    """The judgements of one response: how many, and the newest vote of each user."""

    count: int = 0
    votes: dict[str, tuple[datetime, str, int]] = field(default_factory=dict[str, tuple[datetime, str, int]])

    def add(self, row: Mapping[str, Any]) -> None:
        """Take a row of the feedback dataset in."""
        self.count += 1
        if row["vote"] is not None:
            given = (row["time"], row["feedback_id"], int(row["vote"]))
            self.votes[row["user"]] = max(given, self.votes.get(row["user"], given))

    def vote(self, user: str) -> int | None:
        """The newest vote of `user`, else of anybody; None without one. A nameless user is nobody."""
        if user and user in self.votes:
            return self.votes[user][2]
        return max(self.votes.values())[2] if self.votes else None


NOBODY = Judged()
