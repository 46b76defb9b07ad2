"""What the drift asset held before, which it goes on from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headwater.monitor.drift_output import ANSWERS_FOLDER
from headwater.monitor.served import ServedWindow, read_served
from headwater.monitor.verdict import WindowVerdict
from headwater.monitor.verdicts import read_verdicts
from headwater.tables import read_rows

FIRST_WINDOWS = 3
"""Votes and support of this many first windows on a profile are what later windows' are compared with."""


@dataclass(frozen=True)
class Past:
    """Verdicts, the support of answers, and what was served, as the last version has them."""

    verdicts: Sequence[WindowVerdict]
    answers: Sequence[dict[str, Any]]
    served: Sequence[ServedWindow]

    @classmethod
    def read(cls, folder: Path | None) -> Past:
        """From the asset's folder; nothing before the first version."""
        if folder is None:
            return cls((), (), ())
        answers = tuple(read_rows(folder / ANSWERS_FOLDER))
        return cls(read_verdicts(folder), answers, read_served(folder))

    def unjudged(self, windows: Sequence[str], most: int) -> list[str]:
        """Windows without a verdict. Those before the oldest of as many verdicts as are kept had theirs."""
        known = {verdict.window for verdict in self.verdicts}
        since = self.verdicts[0].window if len(known) >= most else ""
        return [window for window in windows if window > since and window not in known]

    def first_windows(self) -> list[str]:
        """The first windows on the profile that was used last."""
        own = [one.window for one in self.verdicts if one.profile == self.verdicts[-1].profile]
        return own[:FIRST_WINDOWS]
