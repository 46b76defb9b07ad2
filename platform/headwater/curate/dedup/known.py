"""Similarities of pairs that an earlier build found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa

from headwater.curate.dedup.corpus import Corpus

if TYPE_CHECKING:
    from headwater.curate.kernels.dedup_pairs import Keys, Values

PAIRS = pa.schema(
    [
        pa.field("left", pa.binary(16), nullable=False),
        pa.field("right", pa.binary(16), nullable=False),
        pa.field("similarity", pa.float64(), nullable=False),
    ]
)
_HALF = np.uint64(32)


@dataclass(frozen=True)
class KnownPairs:
    """Similarities that an earlier build found, as its `Duplicates.pairs`.

    They hold as long as `Deduplicate.sketch_fingerprint` is the same; the contents need not exist any more.
    """

    table: pa.Table

    @classmethod
    def none(cls) -> Self:
        """Nothing is known."""
        return cls(PAIRS.empty_table())

    def numbered(self, corpus: Corpus) -> tuple[Keys, Values]:
        """The pairs whose contents the corpus holds, as the kernels see them."""
        keys, values = [np.zeros(0, dtype=np.uint64)], [np.zeros(0, dtype=np.float64)]
        for batch in self.table.select(PAIRS.names).to_batches():
            left, right = (corpus.numbers(batch.column(name)) for name in ("left", "right"))
            here = (left >= 0) & (right >= 0)
            keys.append(pair_keys(left[here], right[here]))
            values.append(batch.column("similarity").to_numpy()[here])
        return np.concatenate(keys), np.concatenate(values)


def pair_keys(left: np.ndarray[Any, Any], right: np.ndarray[Any, Any]) -> Keys:
    """The keys of pairs of different contents."""
    return np.minimum(left, right).astype(np.uint64) << _HALF | np.maximum(left, right).astype(np.uint64)
