"""Erasure in a product's inference log: which of its rows hold what is erased, in windows and before them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from headwater.curate.erasures import Erasure
from headwater.inference_log.erase import erase_lines, ids_held
from headwater.inference_log.places import Places
from headwater.inference_log.recovery import recover
from headwater.lake.protocol import Lake
from headwater.versions.traces import Marks, Scanner

ASSET = "inference"
KEYS = ("feedback_id", "response_id")


@dataclass(frozen=True)
class LogTraces:
    """Ids of the requests and judgements that hold it: `windows` in the lake, `waiting` in segments here."""

    windows: frozenset[str]
    waiting: frozenset[str]

    @property
    def ids(self) -> frozenset[str]:
        """All of them."""
        return self.windows | self.waiting

    def entries(self, reason: str) -> Iterator[Erasure]:
        """What goes on the erasure list, so that a later judgement of them stays out as well."""
        for one in sorted(self.ids):
            yield Erasure(f"{ASSET}/{one}", one, "", reason)


def log_traces(lake: Lake, commit: str, product: str, home: Path, marks: Marks) -> LogTraces:
    """Look through the windows at a commit and the segments below `home`."""
    scanner = Scanner(lake, product, marks)
    found: set[str] = set()
    for item in lake.list(commit, f"{product}/{ASSET}/"):
        if item.path.endswith(".parquet"):
            found.update(_ids(scanner, lake.fetch(commit, item.path)))
    return LogTraces(frozenset(found), frozenset(ids_held(Places.of(home, product), marks.pattern)))


def erase_waiting(home: Path, product: str, marks: Marks) -> int:
    """Overwrite the lines of segments below `home` that hold it; returns how many that were."""
    places = Places.of(home, product)
    recover(places)
    return erase_lines(places, marks.pattern)


def _ids(scanner: Scanner, part: Path) -> Iterable[str]:
    with pq.ParquetFile(part) as file:
        names = set(file.schema_arrow.names)
        key = next((name for name in KEYS if name in names), "")
        for batch in file.iter_batches() if key else ():
            yield from batch.filter(scanner.hits(batch)).column(key).to_pylist()
