"""Similarities that were found once, kept from build to build.

They are kept by the ids of documents, not by digests of their texts: what names an erased document can then
be found and goes with it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import xxhash

from headwater.curate.engine.compute import pc
from headwater.curate.engine.previous import STATE
from headwater.curate.engine.units import Units
from headwater.tables import read_batches, read_table, write_batches

FOLDER = f"{STATE}/pairs"
_CONTENTS = pa.binary(16)


def known_pairs(previous: Path) -> pa.Table:
    """The pairs of the last version: `left` and `right` as digests of contents, and `similarity`."""
    stored = read_table(previous / FOLDER)
    ids = pa.concat_arrays([stored["left"].combine_chunks(), stored["right"].combine_chunks()]).unique()
    contents = pa.nulls(0, _CONTENTS)
    found = pa.nulls(0, ids.type)
    for batch in read_batches(previous / STATE, ["document_id", "content"]):
        named = batch.filter(pc.is_in(batch.column("document_id"), value_set=ids))
        found = pa.concat_arrays([found, named.column("document_id")])
        contents = pa.concat_arrays([contents, named.column("content")])
    sides = {
        side: contents.take(pc.index_in(stored[side], value_set=found).combine_chunks())
        for side in ("left", "right")
    }
    return pa.table({**sides, "similarity": stored["similarity"]})


def write_pairs(out: Path, pairs: pa.Table, units: Units, schema: pa.Schema) -> None:
    """Write the pairs that this build needed; each content is named by the first document that has it."""
    contents = pa.concat_arrays([pairs["left"].combine_chunks(), pairs["right"].combine_chunks()]).unique()
    names = np.full(len(contents), None, dtype=object)
    for unit in units:
        found = pc.index_in(unit.rows["content"].combine_chunks(), value_set=contents)
        rows = np.flatnonzero(found.is_valid().to_numpy(zero_copy_only=False))
        places = found.drop_null().to_numpy()
        first, at = np.unique(places, return_index=True)
        new = np.array([name is None for name in names[first]], dtype=bool)
        ids = unit.rows["document_id"].take(pa.array(rows[at[new]])).to_numpy(zero_copy_only=False)
        names[first[new]] = ids
    spelled = pa.array(names, pa.string())
    left, right = (spelled.take(pc.index_in(pairs[side], value_set=contents).combine_chunks())
                   for side in ("left", "right"))  # fmt: skip
    both = pc.binary_join_element_wise(left, right, "")
    identifiers = [xxhash.xxh3_128_hexdigest(value) for value in both.cast(pa.binary()).to_pylist()]
    table = pa.table(
        [pa.array(identifiers, pa.string()), left, right, pairs["similarity"]],
        schema=schema,
    )
    write_batches(out / FOLDER, table.to_batches(), schema, key="pair_id")
