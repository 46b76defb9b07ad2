"""Maker of the embeddings: one unit vector per chunk, computed only for text that is new."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from headwater.fingerprint import code_version, digest_json, library_versions
from headwater.index.embedder import EmbeddingModel, TextTokenizer
from headwater.index.layout import EMBEDDER_FILE
from headwater.index.machine import processor, usable_cores
from headwater.index.vector_cache import VectorCache
from headwater.index.workers import embed_in_processes
from headwater.schemas import embeddings
from headwater.tables import read_batches, read_json, write_batches, write_json
from headwater.workspace import Produced, Workspace

WAVE_TEXTS = 16_384
_CODE = ("headwater.index.encoder", "headwater.index.batches", "headwater.index.embedder")


class EmbeddingsMaker(BaseModel):
    """Input `chunks`; writes one row per chunk in the chunks' order, and `embedder.json`.

    A text is embedded once per machine and embedder: vectors are taken from the previous version of the
    asset and from the cache, the rest is computed in worker processes. A killed build finds its finished
    tasks in the cache.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: EmbeddingModel = Field(default_factory=EmbeddingModel, description="The embedding model")
    workers: int | None = Field(
        default=None, ge=1, description="One-thread processes; null: as many as this process may use cores"
    )

    def __call__(self, workspace: Workspace) -> Produced:
        """Raises `ModuleNotFoundError` when the model's package is missing."""
        chunks = workspace.inputs["chunks"]
        described = describe(self.model)
        cache = VectorCache(workspace.cache / "embeddings" / arithmetic(described), described["dimensions"])
        distinct = _distinct_digests(chunks)
        missing = {digest for digest in distinct if digest not in cache}
        cached = len(distinct) - len(missing)
        if workspace.previous is not None:
            missing -= _adopt_previous(workspace.previous, described, missing, cache)
        reused = len(distinct) - cached - len(missing)
        metrics = self._compute(chunks, missing, cache, workspace)
        rows = write_batches(
            workspace.out, _output(chunks, cache), embeddings(cache.dimensions).arrow, key="chunk_id"
        )
        write_json(workspace.out / EMBEDDER_FILE, described)
        counts = {"distinct_texts": len(distinct), "from_cache": cached, "from_previous": reused}
        return Produced(rows=rows, metrics={**counts, **metrics})

    def _compute(
        self, chunks: Path, missing: set[str], cache: VectorCache, workspace: Workspace
    ) -> dict[str, float]:
        total, done, tokens, cut, cpu_seconds = len(missing), 0, 0, 0, 0.0
        tokenize = TextTokenizer(self.model)
        workers = self.workers or usable_cores()
        for wave in _waves(chunks, missing):
            ids = dict(zip(wave, tokenize(list(wave.values())), strict=True))
            tokens += sum(len(row) for row in ids.values())
            cut += sum(len(row) == self.model.max_tokens for row in ids.values())
            for task in embed_in_processes(self.model, ids, cache.folder, workers):
                done += task.rows
                cpu_seconds += task.cpu_seconds
                workspace.progress("embedding passages", done, total)
        cache.refresh()
        return {
            "embedded": done,
            "embedded_tokens": tokens,
            "cut_at_max_tokens": cut,
            "cpu_seconds": round(cpu_seconds, 1),
            "passages_per_cpu_second": round(done / cpu_seconds, 1) if cpu_seconds else 0.0,
        }


def describe(model: EmbeddingModel) -> dict[str, Any]:
    """What a folder of embeddings says of the model that made it."""
    folder = model.path()
    return {
        "fingerprint": model.fingerprint(),
        "model": model.model_dump(mode="json"),
        "dimensions": int(read_json(folder / "config.json")["hidden_size"]),
        "code": code_version(*_CODE),
    }


def arithmetic(described: dict[str, Any]) -> str:
    """Name of the cache folder: all that the last bits of a vector depend on, the machine's CPU included."""
    return digest_json({**described, **library_versions("torch"), "processor": processor()})[:16]


def _distinct_digests(chunks: Path) -> set[str]:
    found: set[str] = set()
    for batch in read_batches(chunks, ["embedded_digest"]):
        found.update(batch.column("embedded_digest").to_pylist())
    return found


def _adopt_previous(
    previous: Path, described: dict[str, Any], missing: set[str], cache: VectorCache
) -> set[str]:
    """Put the previous version's vectors of missing texts into the cache, if the same embedder made them.

    The machine may have been another one: keeping its vectors, which agree to rounding, spares a change
    of every row.
    """
    stated = previous / EMBEDDER_FILE
    if not missing or not stated.is_file() or read_json(stated) != described:
        return set()
    adopted: set[str] = set()
    for batch in read_batches(previous, ["embedded_digest", "vector"]):
        digests: list[str] = batch.column("embedded_digest").to_pylist()
        wanted = {
            digest: row for row, digest in enumerate(digests) if digest in missing and digest not in adopted
        }
        if wanted:
            flat = batch.column("vector").flatten().to_numpy(zero_copy_only=True)
            cache.add(list(wanted), flat.reshape(-1, cache.dimensions)[list(wanted.values())])
            adopted.update(wanted)
    cache.refresh()
    return adopted


def _waves(chunks: Path, missing: set[str]) -> Iterator[dict[str, str]]:
    """Missing texts by digest, at most `WAVE_TEXTS` at once: memory does not grow with the corpus."""
    wave: dict[str, str] = {}
    taken: set[str] = set()
    for batch in read_batches(chunks, ["embedded_digest", "embedded_text"]):
        for digest, text in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            if digest in missing and digest not in taken:
                taken.add(digest)
                wave[digest] = text
        if len(wave) >= WAVE_TEXTS:
            yield wave
            wave = {}
    if wave:
        yield wave


def _output(chunks: Path, cache: VectorCache) -> Iterator[pa.RecordBatch]:
    schema = embeddings(cache.dimensions).arrow
    for batch in read_batches(chunks, ["chunk_id", "embedded_digest"]):
        vectors = cache.gather(batch.column("embedded_digest").to_pylist())
        flat = pa.array(vectors.reshape(-1))
        values = pa.FixedSizeListArray.from_arrays(flat, type=schema.field("vector").type)
        yield pa.RecordBatch.from_arrays(
            [batch.column("chunk_id"), batch.column("embedded_digest"), values], schema=schema
        )
