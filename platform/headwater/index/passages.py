"""The passages of an index in its order: one Arrow file, read in place by memory map."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from headwater.tables import read_batches

SCHEMA = pa.schema(
    [
        ("chunk_id", pa.string()),
        ("document_id", pa.string()),
        ("uri", pa.string()),
        ("title", pa.string()),
        ("section", pa.string()),
        ("text", pa.string()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("raw_digest", pa.string()),
    ]
)


def write_passages(chunks: Path, path: Path) -> int:
    """Copy what a citation needs from a chunks dataset, in its order. Returns the number of passages."""
    rows = 0
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, SCHEMA) as writer:
        for batch in read_batches(chunks, SCHEMA.names):
            writer.write_batch(
                pa.RecordBatch.from_arrays([batch.column(name) for name in SCHEMA.names], schema=SCHEMA)
            )
            rows += batch.num_rows
    return rows


class Passages:
    """Passages by their position in the index."""

    def __init__(self, path: Path) -> None:
        with pa.memory_map(str(path)) as source:
            self._table = pa.ipc.open_file(source).read_all()

    def __len__(self) -> int:
        return self._table.num_rows

    def take(self, positions: Sequence[int]) -> Iterator[dict[str, Any]]:
        """Rows at these positions, in that order."""
        for position in positions:
            yield self._table.slice(position, 1).to_pylist()[0]

    def documents(self) -> tuple[npt.NDArray[np.int32], dict[str, int]]:
        """Per position the number of its document, and the number of each chunk's document by chunk id.

        Documents are numbered by first appearance.
        """
        encoded = self._table["document_id"].combine_chunks().dictionary_encode()
        numbers = encoded.indices.to_numpy().astype(np.int32)
        chunk_ids: list[str] = self._table["chunk_id"].to_pylist()
        return numbers, dict(zip(chunk_ids, numbers.tolist(), strict=True))

    def positions(self) -> dict[str, int]:
        """Where each chunk stands, by chunk id."""
        chunk_ids: list[str] = self._table["chunk_id"].to_pylist()
        return {chunk_id: position for position, chunk_id in enumerate(chunk_ids)}

    def title_of(self, chunk_id: str) -> str:
        """Title of the document of a chunk, or its uri. Raises `KeyError` for an unknown chunk."""
        position = pc.index(self._table["chunk_id"], chunk_id).as_py()
        if position < 0:
            raise KeyError(chunk_id)
        row = next(self.take([position]))
        return row["title"] or row["uri"]
