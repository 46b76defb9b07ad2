"""Inference of a fastText classifier with subwords and a hierarchical softmax, over many short texts."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

import numpy as np

from headwater.curate.kernels.buffers import Bytes, Offsets, TextBuffers, jit
from headwater.curate.kernels.utf8 import Truth

Floats = np.ndarray[Any, np.dtype[np.float32]]
Numbers = np.ndarray[Any, np.dtype[np.int32]]
Words = np.ndarray[Any, np.dtype[np.uint64]]
Array = TypeVar("Array", bound=np.ndarray[Any, Any])

DIMENSIONS = 16
BUCKETS = 2_000_000
SHORTEST, LONGEST = 2, 4
"""Characters of a subword. These four are constants of the compiled code: a model with others is refused."""

_PRIME, _BASIS, _MASK = np.uint64(16777619), np.uint64(2166136261), np.uint64(0xFFFFFFFF)
_SIGN = np.uint64(0xFFFFFF00)
_BUCKETS = np.uint64(BUCKETS)
_SMALL = np.float32(1e-5)
_ONE = np.float32(1.0)
_ANGLE_OPEN, _ANGLE_CLOSE = np.uint8(60), np.uint8(62)


class Network(NamedTuple):
    """A fastText model as the kernel reads it.

    `rows`: vectors of the words, then those of the subword buckets that were kept, by bucket; float32 of
    (words + buckets) x 16. `present`: a bit for each bucket that was kept; `before`: kept buckets before each
    64 bits. `word_hashes`, `word_rows`: open addressing, row -1 where empty. `end_of_line`: row of `</s>`.
    `outputs`: vector of each inner node of the label tree, x 16; `left`, `right`: its children. Nodes below
    the number of labels are the labels; the last node is the root.
    """

    rows: Floats
    words: int
    present: Words
    before: Numbers
    word_hashes: Words
    word_rows: Numbers
    end_of_line: int
    outputs: Floats
    left: Numbers
    right: Numbers


@jit
def _hash_byte(value: np.uint64, byte: int) -> np.uint64:
    """One step of 32-bit FNV-1a over signed bytes, as fastText does it."""
    extended = np.uint64(byte)
    if byte >= 0x80:
        extended |= _SIGN
    return ((value ^ extended) * _PRIME) & _MASK


@jit
def _bits_below(word: np.uint64, bit: np.uint64) -> np.int64:
    """Number of set bits of `word` below `bit`."""
    word &= (np.uint64(1) << bit) - np.uint64(1)
    word -= (word >> np.uint64(1)) & np.uint64(0x5555555555555555)
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@jit
def _add_word(network: Network, word: Bytes, size: int, vector: Floats) -> int:
    """Add the vectors of `<word>` (`size` bytes, brackets included) and its subwords; returns how many."""
    rows = network.rows
    found = 0
    hashed = _BASIS
    for place in range(1, size - 1):
        hashed = _hash_byte(hashed, word[place])
    capacity = np.uint64(len(network.word_rows))
    slot = hashed & (capacity - np.uint64(1))
    while network.word_rows[slot] >= 0:
        if network.word_hashes[slot] == hashed:
            row = rows[network.word_rows[slot]]
            for column in range(DIMENSIONS):
                vector[column] += row[column]
            found += 1
            break
        slot = (slot + np.uint64(1)) & (capacity - np.uint64(1))
    for start in range(size):
        if (word[start] & 0xC0) == 0x80:
            continue
        hashed = _BASIS
        at = start
        for length in range(1, LONGEST + 1):
            if at >= size:
                break
            hashed = _hash_byte(hashed, word[at])
            at += 1
            while at < size and (word[at] & 0xC0) == 0x80:
                hashed = _hash_byte(hashed, word[at])
                at += 1
            if length < SHORTEST:
                continue
            bucket = hashed % _BUCKETS
            block, bit = bucket >> np.uint64(6), bucket & np.uint64(63)
            bits = network.present[block]
            if (bits >> bit) & np.uint64(1):
                row = rows[network.words + network.before[block] + _bits_below(bits, bit)]
                for column in range(DIMENSIONS):
                    vector[column] += row[column]
                found += 1
    return found


@jit
def _is_space(byte: Any) -> Truth:
    """What ends a word for fastText: space, NUL, and from tab to carriage return."""
    return byte == 32 or byte == 0 or 9 <= byte <= 13


@jit
def _add_text(network: Network, data: Bytes, begin: int, end: int, word: Bytes, vector: Floats) -> int:
    """Add the vectors of all words of `data[begin:end]` to `vector`; returns how many vectors."""
    found = 0
    at = begin
    while at < end:
        if _is_space(data[at]):
            at += 1
            continue
        size = 1
        word[0] = _ANGLE_OPEN
        while at < end and not _is_space(data[at]):
            word[size] = data[at]
            size += 1
            at += 1
        word[size] = _ANGLE_CLOSE
        found += _add_word(network, word, size + 1, vector)
    return found


@jit
def _product(one: Floats, other: Floats) -> Any:
    """Scalar product, in four sums that do not wait for each other."""
    first = second = third = fourth = np.float32(0.0)
    for column in range(0, DIMENSIONS, 4):
        first += one[column] * other[column]
        second += one[column + 1] * other[column + 1]
        third += one[column + 2] * other[column + 2]
        fourth += one[column + 3] * other[column + 3]
    return (first + second) + (third + fourth)


@jit
def _best_label(network: Network, vector: Floats, nodes: Numbers, scores: Floats) -> tuple[int, np.float32]:
    """The label with the highest product of branch probabilities; subtrees out of reach are skipped."""
    labels = len(network.outputs) + 1
    best, best_score = 0, np.float32(-1.0)
    nodes[0], scores[0], depth = 2 * labels - 2, _ONE, 1
    while depth > 0:
        depth -= 1
        node, score = nodes[depth], scores[depth]
        if score <= best_score:
            continue
        if node < labels:
            best, best_score = node, score
            continue
        right = _ONE / (_ONE + np.exp(-_product(vector, network.outputs[node - labels])))
        left_score, right_score = score * (_ONE - right + _SMALL), score * (right + _SMALL)
        likely_right = right_score > left_score
        nodes[depth] = network.left[node] if likely_right else network.right[node]
        scores[depth] = left_score if likely_right else right_score
        nodes[depth + 1] = network.right[node] if likely_right else network.left[node]
        scores[depth + 1] = right_score if likely_right else left_score
        depth += 2
    return best, best_score


@jit
def classify(
    network: Network, data: Bytes, offsets: Offsets, group: int, labels: Numbers, scores: Floats
) -> None:
    """Label and probability of each text (`labels[i, 1:]`) and of each `group` of texts together (`[i, 0]`).

    An empty text has probability 0.
    """
    longest = 0
    for index in range(len(offsets) - 1):
        longest = max(longest, offsets[index + 1] - offsets[index])
    word = np.empty(longest + 2, dtype=np.uint8)
    nodes = np.empty(2 * len(network.outputs) + 2, dtype=np.int32)
    branch_scores = np.empty(len(nodes), dtype=np.float32)
    whole = np.empty(DIMENSIONS, dtype=np.float32)
    part = np.empty(DIMENSIONS, dtype=np.float32)
    mean = np.empty(DIMENSIONS, dtype=np.float32)
    end_of_line = network.rows[network.end_of_line]
    for index in range(len(labels)):
        whole[:] = end_of_line
        found, filled = 1, 0
        for member in range(group):
            text = index * group + member
            begin, end = offsets[text], offsets[text + 1]
            if begin == end:
                continue
            part[:] = end_of_line
            added = _add_text(network, data, begin, end, word, part)
            found += added
            filled += 1
            for column in range(DIMENSIONS):
                whole[column] += part[column] - end_of_line[column]
                mean[column] = part[column] / np.float32(added + 1)
            label, score = _best_label(network, mean, nodes, branch_scores)
            labels[index, member + 1], scores[index, member + 1] = label, score
            labels[index, 0], scores[index, 0] = label, score
        if filled != 1:
            for column in range(DIMENSIONS):
                mean[column] = whole[column] / np.float32(found)
            labels[index, 0], scores[index, 0] = _best_label(network, mean, nodes, branch_scores)


def classified(network: Network, texts: TextBuffers, group: int) -> tuple[Numbers, Floats]:
    """Labels and probabilities, of shape (groups, 1 + group): of the group as one text, then of each text.

    The number of texts must be a multiple of `group`.
    """
    shape = (len(texts) // group, 1 + group)
    labels, scores = np.zeros(shape, dtype=np.int32), np.zeros(shape, dtype=np.float32)
    if shape[0]:
        classify(network, _read_only(texts.data), _read_only(texts.offsets), group, labels, scores)
    return labels, scores


def _read_only(array: Array) -> Array:
    """A view as Arrow's buffers are; for arrays that can be written the kernel would be compiled again."""
    view = array.view()
    view.flags.writeable = False
    return view


def warm() -> None:
    """Compile, with a model of one word and two labels."""
    import pyarrow as pa

    network = Network(
        rows=np.zeros((1, DIMENSIONS), dtype=np.float32),
        words=1,
        present=np.zeros(BUCKETS // 64 + 1, dtype=np.uint64),
        before=np.zeros(BUCKETS // 64 + 1, dtype=np.int32),
        word_hashes=np.zeros(1, dtype=np.uint64),
        word_rows=np.full(1, -1, dtype=np.int32),
        end_of_line=0,
        outputs=np.zeros((1, DIMENSIONS), dtype=np.float32),
        left=np.array([-1, -1, 0], dtype=np.int32),
        right=np.array([-1, -1, 1], dtype=np.int32),
    )
    classified(network, TextBuffers.of(pa.array(["a"])), 1)
