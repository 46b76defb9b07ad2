"""Vectors already computed on this machine, kept by text digest across builds, products and kills.

Segments are Arrow files, written once, named by the digest of their bytes and moved into place whole:
concurrent builds share the folder without a lock, a torn file is recognized by its name, and the folder may
be deleted at any time (a build holds its memory maps).
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from headwater.fingerprint import digest_bytes, digest_file
from headwater.index.encoder import Vectors

log = logging.getLogger("headwater")

ABANDONED_SECONDS = 3600


class VectorCache:
    """Unit vectors by SHA-256 of their text, below one folder that belongs to one embedder."""

    def __init__(self, folder: Path, dimensions: int) -> None:
        self.folder = folder
        self.dimensions = dimensions
        self._segments: list[Vectors] = []
        self._names: set[str] = set()
        self._places: dict[bytes, tuple[int, int]] = {}
        folder.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(folder)
        self.refresh()

    def __contains__(self, digest: str) -> bool:
        return bytes.fromhex(digest) in self._places

    def refresh(self) -> None:
        """Take in the segments that this or another process added since."""
        for path in sorted(self.folder.glob("*.arrow")):
            if path.name not in self._names:
                self._open(path)

    def add(self, digests: Sequence[str], vectors: Vectors) -> None:
        """Keep vectors [len(digests), dimensions]; they can be gathered after the next `refresh`."""
        write_segment(self.folder, digests, vectors)

    def gather(self, digests: Iterable[str]) -> Vectors:
        """float32 [n, dimensions] in the order asked. Raises `KeyError` for an unknown digest."""
        places = [self._places[bytes.fromhex(digest)] for digest in digests]
        gathered = np.empty((len(places), self.dimensions), dtype=np.float32)
        for row, (segment, position) in enumerate(places):
            gathered[row] = self._segments[segment][position]
        return gathered

    def _open(self, path: Path) -> None:
        try:
            intact = digest_file(path) == path.stem
        except FileNotFoundError:
            return
        if not intact:
            log.warning("the embedding cache holds a damaged segment, %s: removed", path.name)
            path.unlink(missing_ok=True)
            return
        with pa.memory_map(str(path)) as source:
            table = pa.ipc.open_file(source).read_all().combine_chunks()
        self._names.add(path.name)
        vectors = table["vector"].chunk(0).flatten().to_numpy(zero_copy_only=True)
        self._segments.append(vectors.reshape(-1, self.dimensions))
        for position, digest in enumerate(table["digest"].to_pylist()):
            self._places.setdefault(digest, (len(self._segments) - 1, position))


def write_segment(folder: Path, digests: Sequence[str], vectors: Vectors) -> None:
    """Write one segment and move it into place."""
    flat = pa.array(np.ascontiguousarray(vectors, dtype=np.float32).reshape(-1))
    table = pa.table(
        {
            "digest": pa.array([bytes.fromhex(digest) for digest in digests], type=pa.binary(32)),
            "vector": pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1]),
        }
    )
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    data = sink.getvalue().to_pybytes()
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{uuid.uuid4().hex}.partial"
    partial.write_bytes(data)
    partial.replace(folder / f"{digest_bytes(data)}.arrow")


def _remove_abandoned(folder: Path) -> None:
    """Remove what killed writers left; a live writer needs no hour for one segment."""
    for path in folder.glob("*.partial"):
        try:
            if time.time() - path.stat().st_mtime > ABANDONED_SECONDS:
                path.unlink()
        except FileNotFoundError:
            continue
