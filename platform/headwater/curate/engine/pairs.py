"""Similarities that were found once, kept from build to build.

They are kept by the ids of documents, not by digests of their texts: what names an erased document can then
be found and goes with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import xxhash

from headwater.curate.dedup.find import Duplicates
from headwater.curate.engine.compute import pc
from headwater.curate.engine.previous import STATE
from headwater.curate.engine.rows import flat
from headwater.curate.engine.units import Units
from headwater.tables import read_batches, read_table, write_batches

FOLDER = f"{STATE}/pairs"
LOOKED_UP_ROWS = 1 << 16
"""The ids of the pairs are hashed anew for every so many rows of the state."""


def known_pairs(previous: Path) -> pa.Table:
    """The pairs of the last version: `left` and `right` as digests of contents, and `similarity`."""
    stored = read_table(previous / FOLDER)
    ids = pa.concat_arrays([flat(stored["left"]), flat(stored["right"])]).unique()
    named = [table.filter(pc.is_in(table["document_id"], value_set=ids)) for table in _documents(previous)]
    found = pa.concat_tables(named)
    names, contents = flat(found["document_id"]), flat(found["content"])
    sides = {
        side: contents.take(pc.index_in(flat(stored[side]), value_set=names)) for side in ("left", "right")
    }
    return pa.table({**sides, "similarity": stored["similarity"]})


def _documents(previous: Path) -> Iterator[pa.Table]:
    waiting: list[pa.RecordBatch] = []
    empty = pa.table({"document_id": pa.nulls(0, pa.string()), "content": pa.nulls(0, pa.binary(16))})
    for batch in read_batches(previous / STATE, ["document_id", "content"]):
        waiting.append(batch.filter(batch.column("content").is_valid()))
        if sum(map(len, waiting)) >= LOOKED_UP_ROWS:
            yield pa.Table.from_batches(waiting)
            waiting = []
    yield pa.Table.from_batches(waiting) if waiting else empty


def write_pairs(out: Path, found: Duplicates, units: Units, schema: pa.Schema) -> None:
    """Write the pairs that this build needed; each content is named by the first document that has it."""
    rows, which = np.unique(units.passed[found.firsts], return_inverse=True)
    ids = flat(units.gather(rows, ["document_id"])["document_id"])
    left, right = (ids.take(pa.array(side)) for side in which.reshape(-1, 2).T)
    both = pc.binary_join_element_wise(left, right, "")
    identifiers = [xxhash.xxh3_128_hexdigest(value) for value in both.cast(pa.binary()).to_pylist()]
    columns = [pa.array(identifiers, pa.string()), left, right, found.pairs["similarity"]]
    write_batches(out / FOLDER, pa.table(columns, schema=schema).to_batches(), schema, key="pair_id")
