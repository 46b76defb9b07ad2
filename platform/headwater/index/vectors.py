"""Maker of the index: vectors, BM25 and passages in one folder that opens by memory map."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from headwater.index.encoder import Vectors
from headwater.index.layout import EMBEDDER_FILE, INDEX_FILE, LEXICAL_FOLDER, PASSAGES_FILE, VECTORS_FILE
from headwater.index.lexical import write_lexical
from headwater.index.nearest import write_vectors
from headwater.index.passages import write_passages
from headwater.tables import count_rows, read_batches, read_json, write_json
from headwater.workspace import CheckOutcome, Produced, Workspace

RECALL_CHECK = "index_recall"


class IndexMaker(BaseModel):
    """Inputs `chunks` and `embeddings`; writes a folder for `SearchIndex.open`.

    vectors.faiss (exact or HNSW), lexical/ (BM25 arrays), passages.arrow (which is the id map: its rows
    stand in the order of the vectors) and index.json.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    exact_up_to: int = Field(
        default=50_000, ge=1, description="More vectors than this are searched by a graph (HNSW)"
    )
    minimum_recall: float = Field(
        default=0.97,
        ge=0,
        le=1,
        description="recall@10 that the graph must reach against exact search to be published",
    )

    def __call__(self, workspace: Workspace) -> Produced:
        """Raises `ValueError` when there is no chunk, or the embeddings are not those of the chunks."""
        chunks, embedded = workspace.inputs["chunks"], workspace.inputs["embeddings"]
        embedder = read_json(embedded / EMBEDDER_FILE)
        rows = count_rows(chunks)
        if rows == 0:
            raise ValueError("there is nothing to index: `chunks` has no rows (see its quarantine)")
        _require_same_order(chunks, embedded)
        out, exact = workspace.out, rows <= self.exact_up_to
        workspace.progress("indexing passages", 0, rows)
        write_passages(chunks, out / PASSAGES_FILE)
        vocabulary = write_lexical(_texts(chunks), out / LEXICAL_FOLDER)
        recall = write_vectors(_load(embedded, rows, embedder["dimensions"]), out / VECTORS_FILE, exact=exact)
        workspace.progress("indexing passages", rows, rows)
        write_json(
            out / INDEX_FILE,
            {
                "embedder": embedder,
                "dimensions": embedder["dimensions"],
                "rows": rows,
                "kind": "exact" if exact else "hnsw",
                "recall_at_10": round(recall, 4),
                "vocabulary": vocabulary,
            },
        )
        size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
        return Produced(
            rows=rows,
            metrics={"recall_at_10": recall, "vocabulary": vocabulary, "bytes": size},
            checks=(self._check(recall, exact),),
        )

    def _check(self, recall: float, exact: bool) -> CheckOutcome:
        kind = "exact search" if exact else "HNSW against exact search, 500 queries"
        return CheckOutcome(
            name=RECALL_CHECK,
            passed=recall >= self.minimum_recall,
            description=f"recall@10 {recall:.4f} ({kind}), required {self.minimum_recall}",
            metadata={"recall_at_10": recall, "required": self.minimum_recall},
        )


def _require_same_order(chunks: Path, embedded: Path) -> None:
    columns = ["chunk_id", "embedded_digest"]
    left, right = (
        (row for batch in read_batches(folder, columns) for row in batch.to_pylist())
        for folder in (chunks, embedded)
    )
    for position, (chunk, vector) in enumerate(zip_longest(left, right)):
        if chunk != vector:
            raise ValueError(
                f"row {position} of `embeddings` is not that of `chunks`: expected {chunk}, found {vector}; "
                "materialize embeddings from these chunks"
            )


def _texts(chunks: Path) -> Iterator[str]:
    for batch in read_batches(chunks, ["embedded_text"]):
        yield from batch.column("embedded_text").to_pylist()


def _load(embedded: Path, rows: int, dimensions: int) -> Vectors:
    vectors = np.empty((rows, dimensions), dtype=np.float32)
    start = 0
    for batch in read_batches(embedded, ["vector"]):
        column: Any = batch.column("vector")
        vectors[start : start + batch.num_rows] = column.flatten().to_numpy().reshape(-1, dimensions)
        start += batch.num_rows
    return vectors
