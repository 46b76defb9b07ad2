"""How the service did before a release was made: latency and votes of the windows that were judged by then.

The drift asset keeps them beside its verdicts, as numbers alone, and the next profile takes them over. So a
profile depends on nobody's words, and what `headwater forget` erases was never in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from headwater.fingerprint import canonical_json
from headwater.monitor.clusters import Floats, Rows
from headwater.monitor.rows import SERVER_ERROR, cluster_of, down_of

SERVED = "served"
"""What the input of a profile is called."""
SERVED_FILE = "served.json"
MOST_REQUESTS = 5000
NONE_YET = "latency and votes: none yet, as nothing that was served had been judged when the profile was made"


class ServedWindow(BaseModel):
    """A window in numbers: requests by release, latencies in ms in their order of size, and per cluster
    (session, user or single response) that voted how many thumbs it gave down and in all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    window: str
    requests: dict[str, int]
    failed: int
    latency_ms: tuple[float, ...]
    votes: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, window: str, rows: Iterable[Mapping[str, Any]]) -> ServedWindow:
        """From rows of the inference log."""
        rows = list(rows)
        answered = [row for row in rows if int(row["status"]) < SERVER_ERROR]
        votes: dict[str, list[bool]] = {}
        for row in rows:
            if row["vote"]:
                votes.setdefault(cluster_of(row), []).append(down_of(row["vote"]) == 1)
        return cls(
            window=window,
            requests=dict(sorted(Counter(str(row["release"]) for row in rows).items())),
            failed=len(rows) - len(answered),
            latency_ms=tuple(sorted(round(float(row["latency_ms"]), 1) for row in answered)),
            votes=tuple(sorted((sum(given), len(given)) for given in votes.values())),
        )


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    windows: tuple[ServedWindow, ...] = ()


@dataclass(frozen=True)
class Served:
    """What a profile keeps of it. `requests` counts them by release; `latency_ms` [n] are those answered,
    `down` [m] is 1 for a thumb down and 0 for one up, `clusters` [m] says which came about together."""

    requests: Mapping[str, int]
    windows: int
    failed: int
    latency_ms: Floats
    down: Floats
    clusters: Rows

    @classmethod
    def read(cls, path: Path) -> Served | None:
        """From what `write_served` wrote; None where no request was served."""
        windows = _read(path)
        requests: Counter[str] = Counter()
        for one in windows:
            requests.update(one.requests)
        if not requests:
            return None
        votes = [pair for one in windows for pair in one.votes]
        down = [float(place < downs) for downs, given in votes for place in range(given)]
        clusters = [number for number, (_, given) in enumerate(votes) for _ in range(given)]
        return cls(
            requests=dict(sorted(requests.items())),
            windows=len(windows),
            failed=sum(one.failed for one in windows),
            latency_ms=np.asarray([value for one in windows for value in one.latency_ms], dtype=np.float32),
            down=np.asarray(down, dtype=np.float32),
            clusters=np.asarray(clusters, dtype=np.int64),
        )

    @property
    def shown(self) -> str:
        """Where it comes from, for people."""
        named = ", ".join(f"{count:,} of {release}" for release, count in self.requests.items())
        return f"{sum(self.requests.values()):,} requests in {self.windows} windows: {named}"


def read_served(folder: Path | None) -> Sequence[ServedWindow]:
    """What the drift asset's last version kept; nothing where it kept none."""
    path = folder / SERVED_FILE if folder is not None else None
    return _read(path) if path is not None and path.is_file() else ()


def write_served(folder: Path, windows: Sequence[ServedWindow]) -> None:
    """Keep the newest windows that hold 5,000 requests together; equal ones give equal bytes."""
    kept: list[ServedWindow] = []
    requests = 0
    for one in sorted(windows, key=lambda item: item.window, reverse=True):
        if requests >= MOST_REQUESTS:
            break
        kept.append(one)
        requests += sum(one.requests.values())
    facts = _Kept(windows=tuple(reversed(kept))).model_dump(mode="json")
    (folder / SERVED_FILE).write_text(canonical_json(facts), encoding="utf-8")


def _read(path: Path) -> tuple[ServedWindow, ...]:
    return _Kept.model_validate_json(path.read_text(encoding="utf-8")).windows
