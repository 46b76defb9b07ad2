"""The sketches of a whole corpus: files for what is long, about 100 bytes of memory for each document."""

from __future__ import annotations

import mmap
import os
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa

from headwater.curate.dedup.settings import Deduplicate

if TYPE_CHECKING:
    from headwater.curate.kernels.dedup_pairs import Keys, Numbers, Signatures

Int64s = np.ndarray[Any, np.dtype[np.int64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]
MOST_DOCUMENTS = 2**31 - 1
_WAITING_DOCUMENTS = 1 << 16
_LAST = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Corpus:
    """Contents (different texts) are numbered in the order of their digests, so that the order of the
    documents decides on nothing but which of equal candidates stays."""

    folder: Path
    digests: Keys
    """Shape (contents, 2): the 128 bits of each content, sorted."""
    content_of: Numbers
    """The content of each document."""
    first: Int64s
    """The first document with each content."""
    signed: Flags
    """Whether a content has words."""
    preference: Numbers
    """The documents, those to be kept before others first."""
    signatures: Signatures
    """Shape (documents, permutations)."""

    def band(self, number: int, contents: Numbers) -> Keys:
        """The key of a band for these contents."""
        return mapped(_band_file(self.folder, number), np.dtype(np.uint64))[self.first[contents]]

    def names(self, contents: Numbers) -> pa.Array:
        """The digests of these contents as 16 bytes."""
        data = pa.py_buffer(self.digests[contents].astype(">u8"))
        return pa.Array.from_buffers(pa.binary(16), len(contents), [None, data])

    def numbers(self, names: pa.Array) -> Int64s:
        """The contents with these digests, -1 where the corpus has none."""
        wanted = _halves(names)
        at = np.searchsorted(self.digests[:, 0], wanted[:, 0])
        at[at == len(self.digests)] = 0
        found = (self.digests[at] == wanted).all(axis=1) if len(self.digests) else np.zeros(len(at), np.bool_)
        return np.where(found, at, -1)


class CorpusWriter:
    """Takes sketches batch by batch; everything stands in `folder`, which is removed at the end."""

    def __init__(self, settings: Deduplicate, folder: Path) -> None:
        self._settings = settings
        self._folder = folder
        self._signed = [np.zeros(0, dtype=np.bool_)]
        self._ranks = [np.zeros(0, dtype=np.int32)]
        self._before = [np.zeros(0, dtype=np.int64)]
        self._keys: list[Keys] = []
        self._waiting = 0

    def __enter__(self) -> Self:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        for path in self._files:
            path.touch()
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._folder)

    @cached_property
    def _files(self) -> list[Path]:
        bands = range(self._settings.bands if self._settings.near else 0)
        named = [self._folder / "contents", self._folder / "signatures"]
        return [*named, *(_band_file(self._folder, band) for band in bands)]

    def append(self, sketches: pa.RecordBatch, ranks: np.ndarray[Any, Any]) -> None:
        """Take the next documents. Raises `ValueError` if there is not one rank (below 2³¹) for each."""
        count = len(sketches)
        if len(ranks) != count:
            raise ValueError(f"{count} sketches have {len(ranks)} ranks")
        contents, signatures, *_ = self._files
        _extend(contents, _halves(sketches.column("content")))
        signed = sketches.column("signature").is_valid().to_numpy(zero_copy_only=False)
        if self._settings.near:
            permutations = self._settings.permutations
            rows = _values(sketches.column("signature"), 4 * permutations).view(np.uint32)
            self._append_signatures(signatures, rows.reshape(count, permutations), sketches)
        self._signed.append(signed)
        self._ranks.append(ranks.astype(np.int32))
        if self._settings.keep != "best_source":
            self._before.append(self._preferred(sketches))

    def _append_signatures(self, path: Path, rows: Signatures, sketches: pa.RecordBatch) -> None:
        from headwater.curate.kernels.dedup_pairs import band_keys

        _extend(path, rows)
        keys = np.empty((self._settings.bands, len(rows)), dtype=np.uint64)
        band_keys(rows, sketches.column("distinct").to_numpy(), self._settings.rows, keys)
        self._keys.append(keys)
        self._waiting += len(rows)
        if self._waiting >= _WAITING_DOCUMENTS:
            self._write_keys()

    def _write_keys(self) -> None:
        for band in range(self._settings.bands):
            _extend(_band_file(self._folder, band), np.concatenate([keys[band] for keys in self._keys]))
        self._keys, self._waiting = [], 0

    def _preferred(self, sketches: pa.RecordBatch) -> Int64s:
        """What `keep` looks at before the rank; less is better."""
        if self._settings.keep == "longest":
            return -sketches.column("length").to_numpy()
        if self._settings.oldest_by is not None:
            return sketches.column("time").fill_null(_LAST).to_numpy()
        return np.zeros(len(sketches), dtype=np.int64)

    def _preference(self, count: int) -> Numbers:
        if self._settings.keep == "oldest" and self._settings.oldest_by is None:
            return np.arange(count, dtype=np.int32)
        ranks, before = np.concatenate(self._ranks), np.concatenate(self._before)
        self._ranks, self._before = [], []
        order = np.lexsort((ranks, before)) if len(before) else np.argsort(ranks, kind="stable")
        return order.astype(np.int32)

    def corpus(self) -> Corpus:
        """Everything taken. Raises `ValueError` for more documents than 2³¹ - 1."""
        if self._waiting:
            self._write_keys()
        signed = np.concatenate(self._signed)
        count = len(signed)
        if count > MOST_DOCUMENTS:
            raise ValueError(f"{count} documents are more than {MOST_DOCUMENTS}, the most that are compared")
        preference = self._preference(count)
        digests, content_of, first = _distinct(mapped(self._folder / "contents", np.dtype(np.uint64), 2))
        return Corpus(
            self._folder,
            digests,
            content_of,
            first,
            signed[first],
            preference,
            mapped(self._folder / "signatures", np.dtype(np.uint32), self._settings.permutations),
        )


def _distinct(contents: np.ndarray[Any, Any]) -> tuple[Keys, Numbers, Int64s]:
    """The different rows, sorted; which of them each row is; the first row that is each."""
    order = np.lexsort((contents[:, 1], contents[:, 0]))
    ordered = contents[order]
    new = np.ones(len(order), dtype=np.bool_)
    new[1:] = (ordered[1:, 0] != ordered[:-1, 0]) | (ordered[1:, 1] != ordered[:-1, 1])
    content_of = np.empty(len(order), dtype=np.int32)
    content_of[order] = np.cumsum(new, dtype=np.int32) - 1
    return ordered[new], content_of, order[new]


def _halves(names: pa.Array) -> Keys:
    return _values(names, 16).view(">u8").reshape(-1, 2).astype(np.uint64)


def _values(column: pa.Array, width: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The bytes of a column of fixed size; those of a null are zero or anything."""
    data = column.buffers()[1]
    whole = np.frombuffer(data, dtype=np.uint8) if data is not None else np.zeros(0, dtype=np.uint8)
    return whole[column.offset * width : (column.offset + len(column)) * width]


def _extend(path: Path, values: np.ndarray[Any, Any]) -> None:
    with path.open("ab") as stream:
        stream.write(np.ascontiguousarray(values).data)


def mapped(path: Path, kind: np.dtype[Any], *shape: int) -> np.ndarray[Any, Any]:
    """The values in a file, as rows of this shape. `numpy.memmap` takes twice as long to begin."""
    with path.open("rb") as stream:
        if not os.fstat(stream.fileno()).st_size:
            return np.zeros((0, *shape), dtype=kind)
        data = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    return np.frombuffer(data, dtype=kind).reshape(-1, *shape)


def _band_file(folder: Path, number: int) -> Path:
    return folder / f"band-{number}"
