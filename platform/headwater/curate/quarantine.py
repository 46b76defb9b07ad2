"""What a tier refuses, gathered while it runs and written as a dataset of its own."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from headwater.fingerprint import canonical_json, digest_json
from headwater.schemas import QUARANTINE
from headwater.tables import write_rows

EXCERPT_CHARACTERS = 300
SAMPLE_ROWS = 20
PER_REASON = 3
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Refusal:
    """One refused file (`document_id` is None) or document."""

    uri: str
    source: str
    step: str
    reason: str
    detail: str
    raw_digest: str | None = None
    document_id: str | None = None
    excerpt: str = ""

    def row(self) -> dict[str, Any]:
        """The row of the quarantine dataset."""
        return {
            "refusal_id": digest_json([self.uri, self.step, self.reason]),
            "uri": self.uri,
            "source": self.source,
            "step": self.step,
            "reason": self.reason,
            "detail": encodable(self.detail),
            "raw_digest": self.raw_digest,
            "document_id": self.document_id,
            "excerpt": encodable(self.excerpt[:EXCERPT_CHARACTERS]),
        }


def encodable(text: str) -> str:
    """`text` with lone surrogates, which UTF-8 cannot hold, replaced by U+FFFD."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


class Quarantine:
    """Refusals of one run, in their order; spooled to a file so that millions need no memory.

    Use as a context manager; call `write` inside it, once.
    """

    def __init__(self, spool: Path) -> None:
        self._path = spool
        self._samples: list[dict[str, Any]] = []
        self._seen: Counter[tuple[str, str]] = Counter()

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._stream = self._path.open("w", encoding="utf-8")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()
        self._path.unlink(missing_ok=True)

    def add(self, refusal: Refusal) -> None:
        """Record a refusal."""
        self.add_row(refusal.row())

    def add_row(self, row: dict[str, Any]) -> None:
        """Record a refusal that is a row already, e.g. one taken over from the last version."""
        self._stream.write(canonical_json(row) + "\n")
        cause = (row["step"], row["reason"])
        self._seen[cause] += 1
        if self._seen[cause] <= PER_REASON and len(self._samples) < SAMPLE_ROWS:
            self._samples.append({name: row[name] for name in ("step", "reason", "uri", "detail", "excerpt")})

    def write(self, folder: Path) -> int:
        """Write the dataset and return its number of rows."""
        self._stream.flush()
        return write_rows(folder, self._rows(), QUARANTINE.arrow, key=QUARANTINE.key)

    def _rows(self) -> Iterator[dict[str, Any]]:
        with self._path.open(encoding="utf-8") as stream:
            for line in stream:
                yield json.loads(line)

    @property
    def by_reason(self) -> dict[str, int]:
        """Number of refusals by reason, in alphabetical order."""
        counts: Counter[str] = Counter()
        for (_, reason), count in self._seen.items():
            counts[reason] += count
        return dict(sorted(counts.items()))

    @property
    def by_step(self) -> dict[str, int]:
        """Number of refusals by step."""
        counts: Counter[str] = Counter()
        for (step, _), count in self._seen.items():
            counts[step] += count
        return dict(counts)

    @property
    def samples(self) -> tuple[dict[str, Any], ...]:
        """Up to three refusals for each step and reason, twenty in all."""
        return tuple(self._samples)
