"""The duplicates of a build, by unit: which are dropped and for whom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from headwater.curate.dedup.find import Duplicates, find_duplicates
from headwater.curate.dedup.known import KnownPairs
from headwater.curate.dedup.sketch import sketch_schema
from headwater.curate.engine.job import Job
from headwater.curate.engine.previous import KEPT
from headwater.curate.engine.rows import Numbers, chosen, flat
from headwater.curate.engine.units import Mask, Units
from headwater.workspace import Progress

TEXT_ROWS = 256


def find(job: Job, units: Units, known: pa.Table | None, progress: Progress) -> Duplicates:
    """Find the duplicates among the documents that passed the steps."""
    schema = sketch_schema(job.chain.dedup.permutations)
    read = units.read()
    ranks: list[np.ndarray[Any, np.dtype[np.int32]]] = []

    def sketches() -> Iterator[pa.RecordBatch]:
        for where, state in read:
            passed = np.flatnonzero(units.outcome[where] == KEPT)
            ranks.append(units.rank[where][passed])
            yield _one_batch(chosen(state.select(schema.names), passed), schema)

    def taken() -> Iterator[np.ndarray[Any, np.dtype[np.int32]]]:
        while ranks:
            yield ranks.pop()

    def texts(numbers: Numbers) -> Iterator[tuple[int, str]]:
        for low in range(0, len(numbers), TEXT_ROWS):
            some = numbers[low : low + TEXT_ROWS]
            found = units.documents.take(units.passed[some], ["text"])
            yield from zip(some.tolist(), found["text"].to_pylist(), strict=True)

    return find_duplicates(
        job.chain.dedup,
        sketches(),
        taken(),
        texts=texts,
        known=KnownPairs(known) if known is not None else KnownPairs.none(),
        scratch=job.folder,
        progress=progress,
    )


@dataclass(frozen=True)
class Dropped:
    """`mask` says of each document that passed the steps whether it is dropped; the others are of those that
    are, in their order: row of bronze, number of the document that is kept, reason, similarity, whether they
    are linked, and the uri of the one that is kept."""

    mask: Mask
    rows: Numbers
    kept: Numbers
    reason: pa.Array
    similarity: np.ndarray[Any, np.dtype[np.float64]]
    linked: Mask
    kept_uri: pa.Array

    @classmethod
    def of(cls, found: Duplicates, units: Units) -> Dropped:
        """With the uris and ids that are needed to name both sides."""
        table = found.dropped.combine_chunks()
        index, kept = table["index"].to_numpy(), table["kept"].to_numpy()
        mask = np.zeros(len(units.passed), dtype=bool)
        mask[index] = True
        needed = np.unique(kept)
        uris = units.gather(units.passed[needed], ["uri"])["uri"]
        return cls(
            mask=mask,
            rows=units.passed[index],
            kept=kept,
            reason=flat(table["reason"]),
            similarity=table["similarity"].to_numpy(),
            linked=table["linked"].to_numpy(),
            kept_uri=flat(uris).take(pa.array(np.searchsorted(needed, kept))),
        )

    def listed(self, most: int) -> tuple[Numbers, Numbers]:
        """Of each kept document, the first `most` of those that were dropped for it: the place of the kept
        one in silver, ascending, and the row of bronze of the other."""
        order = np.argsort(self.kept, kind="stable")
        kept = self.kept[order]
        first = np.searchsorted(kept, kept)
        order = order[np.arange(len(order)) - first < most]
        return (np.cumsum(~self.mask) - 1)[self.kept[order]], self.rows[order]


def _one_batch(table: pa.Table, schema: pa.Schema) -> pa.RecordBatch:
    batches = table.combine_chunks().to_batches()
    columns = batches[0].columns if batches else [pa.array([], field.type) for field in schema]
    return pa.RecordBatch.from_arrays(columns, schema=schema)
