"""The duplicates of a build, by unit: which are dropped and for whom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from headwater.curate.dedup.find import Duplicates, find_duplicates
from headwater.curate.dedup.similarity import KnownPairs
from headwater.curate.dedup.sketch import sketch_schema
from headwater.curate.engine.job import Job
from headwater.curate.engine.rows import Numbers, flat
from headwater.curate.engine.units import Mask, Units
from headwater.workspace import Progress

TEXT_ROWS = 256


def find(job: Job, units: Units, known: pa.Table | None, progress: Progress) -> Duplicates:
    """Find the duplicates among the documents that passed the steps, which are numbered over all units."""
    schema = sketch_schema(job.chain.dedup.permutations)
    starts = units.starts()

    def sketches() -> Iterator[pa.RecordBatch]:
        for unit in units:
            sketched = unit.rows.select(schema.names).take(pa.array(unit.passed))
            yield _one_batch(sketched, schema)

    def ranks() -> Iterator[Numbers]:
        for unit in units:
            yield unit.rows["rank"].to_numpy()[unit.passed]

    def texts(numbers: Numbers) -> Iterator[tuple[int, str]]:
        for unit in units:
            begin, end = np.searchsorted(numbers, starts[unit.number : unit.number + 2])
            for low in range(begin, end, TEXT_ROWS):
                some = numbers[low : min(end, low + TEXT_ROWS)]
                found = unit.documents(unit.passed[some - starts[unit.number]], ["text"])
                yield from zip(some.tolist(), found["text"].to_pylist(), strict=True)

    pairs = KnownPairs(known) if known is not None else KnownPairs.none()
    return find_duplicates(
        job.chain.dedup,
        sketches(),
        ranks(),
        texts=texts,
        known=pairs,
        scratch=job.folder,
        progress=progress,
    )


@dataclass(frozen=True)
class Dropped:
    """`mask` says of each passed document whether it is dropped; the others are of those that are, in their
    order: their own number, that of the one that is kept, reason, similarity, and whether they are linked."""

    mask: Mask
    index: Numbers
    kept: Numbers
    reason: pa.Array
    similarity: list[float]
    linked: list[bool]
    kept_uri: pa.Array
    document_id: pa.Array

    @classmethod
    def of(cls, found: Duplicates, units: Units) -> Dropped:
        """With the uris and ids that are needed to name both sides."""
        starts = units.starts()
        table = found.dropped.combine_chunks()
        index, kept = table["index"].to_numpy(), table["kept"].to_numpy()
        mask = np.zeros(starts[-1], dtype=bool)
        mask[index] = True
        needed = np.unique(kept)
        return cls(
            mask=mask,
            index=index,
            kept=kept,
            reason=flat(table["reason"]),
            similarity=table["similarity"].to_pylist(),
            linked=table["linked"].to_pylist(),
            kept_uri=_gather(units, starts, needed, "uri").take(pa.array(np.searchsorted(needed, kept))),
            document_id=_gather(units, starts, index, "document_id"),
        )

    @property
    def kept_numbers(self) -> Numbers:
        """Of each dropped document, the place in silver of the one that is kept for it."""
        return (np.cumsum(~self.mask) - 1)[self.kept]

    def of_unit(self, first: int, passed: Numbers) -> tuple[Numbers, slice]:
        """Rows of a unit that are dropped, and which of the dropped documents they are; `first` is the number
        of the unit's first passed document."""
        low, high = np.searchsorted(self.index, [first, first + len(passed)])
        return passed[self.index[low:high] - first], slice(int(low), int(high))


def _gather(units: Units, starts: Numbers, numbers: Numbers, column: str) -> pa.Array:
    """A column of the passed documents with these numbers (ascending)."""
    pieces = [pa.array([], pa.string())]
    for unit in units:
        low, high = np.searchsorted(numbers, starts[unit.number : unit.number + 2])
        rows = unit.passed[numbers[low:high] - starts[unit.number]]
        pieces.append(flat(unit.rows[column].take(pa.array(rows))))
    return pa.concat_arrays(pieces)


def _one_batch(table: pa.Table, schema: pa.Schema) -> pa.RecordBatch:
    batches = table.combine_chunks().to_batches()
    columns = batches[0].columns if batches else [pa.array([], field.type) for field in schema]
    return pa.RecordBatch.from_arrays(columns, schema=schema)
