"""What steps found out about a document beyond the columns of silver, as one JSON object."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pyarrow as pa

from headwater.curate.engine.compute import pc
from headwater.fingerprint import canonical_json


def annotation_objects(batch: pa.RecordBatch, names: Sequence[str]) -> pa.Array:
    """A JSON object for each row with the values of these columns; `names` must be sorted.

    Numbers and truth values become text column by column; a number that is not finite becomes null.
    """
    if not names or not len(batch):
        return pa.repeat(pa.scalar("{}", pa.string()), len(batch))
    pieces: list[pa.Array | pa.Scalar] = []
    for index, name in enumerate(names):
        lead = ("," if index else "{") + json.dumps(name, ensure_ascii=False) + ":"
        pieces += [pa.scalar(lead), _values(batch.column(name))]
    return pc.binary_join_element_wise(
        *pieces, pa.scalar("}"), pa.scalar(""), null_handling="replace", null_replacement="null"
    )


def _values(column: pa.Array) -> pa.Array:
    """Each value as JSON; null stays null."""
    kind = column.type
    if pa.types.is_floating(kind):
        finite = pc.is_finite(column)
        return pc.if_else(finite, column, pa.scalar(None, kind)).cast(pa.string())
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return column.cast(pa.string())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        distinct = column.dictionary_encode()
        spelled = [
            None if value is None else canonical_json(value) for value in distinct.dictionary.to_pylist()
        ]
        return pa.array(spelled, pa.string()).take(distinct.indices)
    values = column.to_pylist()
    return pa.array([None if value is None else canonical_json(value) for value in values], pa.string())
