"""What people see of a tier: refusals with samples, languages, redactions, how scores are spread."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from headwater.curate.engine.compute import pc
from headwater.tables import BATCH_ROWS, parts, read_batches

SHOWN_LANGUAGES = 20
SAMPLES_PER_REASON = 3
SAMPLE_ROWS = 60
SAMPLED_DOCUMENTS = 1_000
"""Histograms are drawn from at most this many documents, evenly spread."""
JOINED_ROWS = 1 << 13
BINS = 20
_MEASURED = ("language_score", "words")
_NUMBER = (int, float)
_SHOWN = ("step", "reason", "uri", "detail", "excerpt")


@dataclass
class Refused:
    """Refusals of a quarantine: by (step, reason), and up to three samples of each."""

    causes: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    samples: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    @classmethod
    def of(cls, folder: Path) -> Refused:
        """Read a quarantine: of most of its parts step and reason alone."""
        found = cls()
        for path in parts(folder):
            with pq.ParquetFile(path, pre_buffer=False) as file:
                start = 0
                samples: list[int] = []
                causes = file.read(columns=["step", "reason"], use_threads=False)
                for batch in causes.to_batches(max_chunksize=BATCH_ROWS):
                    samples += (start + row for row in found._count(batch, len(samples)))
                    start += len(batch)
                if samples:
                    rows = file.read(columns=list(_SHOWN), use_threads=False).take(pa.array(samples))
                    found.samples += rows.select(list(_SHOWN)).to_pylist()
        return found

    def _count(self, batch: pa.RecordBatch, chosen: int) -> list[int]:
        """Count the causes of a batch; returns its rows that are samples. So many are chosen already."""
        causes = pc.binary_join_element_wise(batch.column("step"), batch.column("reason"), "\0")
        samples: list[int] = []
        for entry in pc.value_counts(causes).to_pylist():
            step, _, reason = entry["values"].partition("\0")
            room = SAMPLE_ROWS - len(self.samples) - chosen - len(samples)
            wanted = min(SAMPLES_PER_REASON - self.causes[step, reason], room)
            self.causes[step, reason] += entry["counts"]
            if wanted > 0:
                rows = np.flatnonzero(pc.equal(causes, entry["values"]).to_numpy(zero_copy_only=False))
                samples += rows[:wanted].tolist()
        return samples

    def counted(self, by: int) -> dict[str, int]:
        """How many by step (0) or by reason (1)."""
        counts: Counter[str] = Counter()
        for cause, count in self.causes.items():
            counts[cause[by]] += count
        return dict(sorted(counts.items()))


@dataclass(frozen=True)
class Kept:
    """What the columns of silver say: languages, redactions by kind, values of each measure."""

    languages: Counter[str]
    redactions: Counter[str]
    measures: Mapping[str, np.ndarray[Any, np.dtype[np.float64]]]

    @classmethod
    def of(cls, folder: Path, rows: int) -> Kept:
        """Read the small columns of silver, which has so many rows."""
        languages: Counter[str] = Counter()
        redactions: Counter[str] = Counter()
        measures: dict[str, list[float]] = {}
        every = max(1, -(-rows // SAMPLED_DOCUMENTS))
        start = 0
        columns = ["language", "redactions", "annotations", *_MEASURED]
        for batch in _joined(read_batches(folder, columns)):
            for entry in pc.value_counts(batch.column("language")).to_pylist():
                languages[entry["values"] or "not looked at"] += entry["counts"]
            some = batch.column("redactions").filter(pc.not_equal(batch.column("redactions"), "{}"))
            for value in some.to_pylist():
                redactions.update(json.loads(value))
            sampled = pa.array(np.arange(-start % every, len(batch), every))
            _measure(batch.take(sampled), measures)
            start += len(batch)
        arrays = {name: np.array(values, dtype=np.float64) for name, values in measures.items() if values}
        return cls(languages, redactions, arrays)

    def histograms(self) -> tuple[dict[str, Any], ...]:
        """Twenty equal steps from the least to the greatest value of each measure, with their documents."""
        rows: list[dict[str, Any]] = []
        for name in sorted(self.measures):
            counts, edges = np.histogram(self.measures[name], bins=BINS)
            for count, low, high in zip(
                counts.tolist(), edges[:-1].tolist(), edges[1:].tolist(), strict=True
            ):
                if count:
                    rows.append({"measure": name, "from": low, "to": high, "documents": count})
        return tuple(rows)

    def most_languages(self) -> tuple[dict[str, Any], ...]:
        """Languages with their documents, the most frequent first."""
        ordered = sorted(self.languages.items(), key=lambda entry: (-entry[1], entry[0]))
        return tuple({"language": name, "documents": count} for name, count in ordered[:SHOWN_LANGUAGES])


def _joined(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """The rows of several parts at once: what is asked of them takes longer to ask than to answer."""
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        waiting.append(batch)
        if sum(map(len, waiting)) >= JOINED_ROWS:
            yield pa.Table.from_batches(waiting)
            waiting = []
    if waiting:
        yield pa.Table.from_batches(waiting)


def _measure(batch: pa.Table, measures: dict[str, list[float]]) -> None:
    for name in _MEASURED:
        measures.setdefault(name, []).extend(batch.column(name).drop_null().to_pylist())
    found: list[dict[str, Any]] = json.loads(f"[{','.join(batch.column('annotations').to_pylist())}]")
    for name in dict.fromkeys(chain.from_iterable(found)):
        numbers = [value for each in found if isinstance(value := each.get(name), _NUMBER)]
        if numbers:
            measures.setdefault(name, []).extend(numbers)
