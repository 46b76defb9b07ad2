"""The duplicates of a build, by unit: which are dropped and for whom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import xxhash

from headwater.curate.dedup.find import Duplicates, find_duplicates
from headwater.curate.dedup.known import KnownPairs
from headwater.curate.dedup.sketch import sketch_schema
from headwater.curate.dedup.wording import detail
from headwater.curate.engine.compute import pc
from headwater.curate.engine.job import Job
from headwater.curate.engine.keys import KEY_BYTES
from headwater.curate.engine.rows import Numbers, flat
from headwater.curate.engine.units import Mask, Units
from headwater.workspace import Progress

Similarities = np.ndarray[Any, np.dtype[np.float64]]
TEXT_ROWS = 256
ROWS_AT_ONCE = 4096


def find(job: Job, units: Units, known: pa.Table | None, progress: Progress) -> Duplicates:
    """Find the duplicates among the documents that passed the steps."""
    schema = sketch_schema(job.chain.dedup.permutations)
    read = units.read()
    ranks: list[np.ndarray[Any, np.dtype[np.int32]]] = []

    def sketches() -> Iterator[pa.RecordBatch]:
        for passed in read:
            ranks.append(job.chain.ranks(flat(passed["source"])))
            yield _one_batch(passed.select(schema.names).cast(schema), schema)

    def taken() -> Iterator[np.ndarray[Any, np.dtype[np.int32]]]:
        while ranks:
            yield ranks.pop()

    def texts(numbers: Numbers) -> Iterator[tuple[int, str]]:
        for low in range(0, len(numbers), TEXT_ROWS):
            some = numbers[low : low + TEXT_ROWS]
            yield from zip(some.tolist(), units.texts(units.passed[some]).to_pylist(), strict=True)

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
    """`mask` says of each document that passed the steps whether it is dropped. Of those that are, in their
    order: row of bronze, number of the document that is kept, reason, similarity, whether they are linked,
    the uri of the one that is kept, and as `cause` a digest of what the quarantine says. `changed` has the
    rows of those that the last version knows, but not with this cause."""

    mask: Mask
    rows: Numbers
    kept: Numbers
    reason: pa.Array
    similarity: Similarities
    linked: Mask
    kept_uri: pa.Array
    cause: pa.Array
    changed: Numbers

    @classmethod
    def of(cls, found: Duplicates, units: Units) -> Dropped:
        """With the uris and ids that are needed to name both sides."""
        table = found.dropped.combine_chunks()
        index, kept = table["index"].to_numpy(), table["kept"].to_numpy()
        mask = np.zeros(len(units.passed), dtype=bool)
        mask[index] = True
        needed = np.unique(kept)
        uris = units.gather(units.passed[needed], ["uri"])["uri"]
        rows, reason = units.passed[index], flat(table["reason"])
        similarity, linked = table["similarity"].to_numpy(), table["linked"].to_numpy()
        kept_uri = flat(uris).take(pa.array(np.searchsorted(needed, kept)))
        cause = _causes(reason, kept_uri, similarity, linked)
        changed = _changed(units, rows, cause)
        return cls(mask, rows, kept, reason, similarity, linked, kept_uri, cause, changed)

    def listed(self, most: int) -> tuple[Numbers, Numbers]:
        """Of each kept document, the first `most` of those that were dropped for it: the place of the kept
        one in silver, ascending, and the row of bronze of the other."""
        order = np.argsort(self.kept, kind="stable")
        kept = self.kept[order]
        first = np.searchsorted(kept, kept)
        order = order[np.arange(len(order)) - first < most]
        return (np.cumsum(~self.mask) - 1)[self.kept[order]], self.rows[order]

    def details(self, which: Numbers) -> pa.Array:
        """What the quarantine says of these."""
        return _details(self.kept_uri.take(pa.array(which)), self.similarity[which], self.linked[which])


def _details(kept_uri: pa.Array, similarity: Similarities, linked: Mask) -> pa.Array:
    details = map(detail, kept_uri.to_pylist(), similarity.tolist(), linked.tolist())
    return pa.array(list(details), pa.string())


def _causes(reason: pa.Array, kept_uri: pa.Array, similarity: Similarities, linked: Mask) -> pa.Array:
    found: list[bytes] = []
    for low in range(0, len(reason), ROWS_AT_ONCE):
        some = slice(low, min(len(reason), low + ROWS_AT_ONCE))
        details = _details(kept_uri[some], similarity[some], linked[some])
        said = pc.binary_join_element_wise(reason[some], details, "\0").cast(pa.binary())
        found += map(xxhash.xxh3_128_digest, said.to_pylist())
    return pa.array(found, pa.binary(KEY_BYTES))


def _changed(units: Units, rows: Numbers, cause: pa.Array) -> Numbers:
    known = units.known.rows[rows]
    seen = np.flatnonzero(known >= 0)
    if units.previous is None or not len(seen):
        return seen[:0]
    before = units.previous.causes(known[seen]).cast(cause.type)
    differs = pc.not_equal(before, cause.take(pa.array(seen))).fill_null(True)
    return rows[seen[differs.to_numpy(zero_copy_only=False)]]


def _one_batch(table: pa.Table, schema: pa.Schema) -> pa.RecordBatch:
    batches = table.combine_chunks().to_batches()
    columns = batches[0].columns if batches else [pa.array([], field.type) for field in schema]
    return pa.RecordBatch.from_arrays(columns, schema=schema)
