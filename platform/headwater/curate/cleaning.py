"""The work of normalization: a kernel for every text, Python for the few that the kernel flags.

Imports numba; `headwater.curate.normalize` is what configuration names.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa

from headwater.curate.code_points import Form, normalization_kinds
from headwater.curate.kernels.buffers import Bytes, Offsets, TextBuffers
from headwater.curate.kernels.normalize import FORM, MARKUP, MOJIBAKE, cleaned, join_lines
from headwater.curate.markup import without_markup
from headwater.curate.mojibake import repair


@dataclass(frozen=True)
class CleanTexts:
    """A cleaned column, its SHA-256 digests, in how many lines mojibake was undone, which are empty."""

    column: pa.Array
    digests: pa.Array
    repaired_lines: pa.Array
    are_empty: list[bool]


@dataclass(frozen=True)
class Cleaner:
    """Cleans string columns; the parameters are those of `Normalize`."""

    form: Form
    mojibake: bool
    markup: bool

    def texts(self, column: pa.Array) -> CleanTexts:
        """The cleaned texts."""
        clean, repaired = self._clean(column)
        return CleanTexts(
            column=_as_column(clean, column.type),
            digests=_digests(clean),
            repaired_lines=pa.array(repaired, pa.int64()),
            are_empty=(clean.sizes == 0).tolist(),
        )

    def lines(self, column: pa.Array) -> pa.Array:
        """The cleaned texts, each on one line."""
        clean, _ = self._clean(column)
        join_lines(clean.data, clean.offsets)
        return _as_column(TextBuffers(clean.data[: clean.offsets[-1]], clean.offsets), column.type)

    def _clean(self, column: pa.Array) -> tuple[TextBuffers, Offsets]:
        texts = TextBuffers.of(column)
        clean, flags = cleaned(texts, self._kinds)
        repaired = np.zeros(len(texts), dtype=np.int64)
        rewritten: dict[int, bytes] = {}
        for index in np.flatnonzero(flags & self._reasons).tolist():
            if flags[index] & self._reasons == FORM and self._is_in_form(_text(clean, index)):
                continue
            settled, repaired[index] = self._rewritten(_text(texts, index))
            rewritten[index] = settled.encode()
        return (_spliced(clean, rewritten) if rewritten else clean), repaired

    @property
    def _reasons(self) -> int:
        return FORM | (MOJIBAKE if self.mojibake else 0) | (MARKUP if self.markup else 0)

    def _is_in_form(self, text: str) -> bool:
        return unicodedata.is_normalized(self.form, text)

    def _rewritten(self, text: str) -> tuple[str, int]:
        text, repaired = self._settled(text)
        if self.markup:
            # A character reference may stand for an invisible character, or for half of an accented letter.
            text, further = self._settled(without_markup(text))
            repaired += further
        return text, repaired

    def _settled(self, text: str) -> tuple[str, int]:
        """The text when repairing, composing and cleaning change nothing more, and its repaired lines.

        It ends because a repair takes characters away and the other two are stable.
        """
        repaired = 0
        while True:
            clean, flags = cleaned(TextBuffers.of(pa.array([text], pa.large_string())), self._kinds)
            if self.mojibake and flags[0] & MOJIBAKE:
                text, lines = repair(text)
                if lines:
                    repaired += lines
                    continue
            settled = _text(clean, 0)
            if flags[0] & FORM:
                settled = unicodedata.normalize(self.form, settled)
            if settled == text or not flags[0] & (FORM | MOJIBAKE):
                return settled, repaired
            text = settled

    @property
    def _kinds(self) -> Bytes:
        return normalization_kinds(self.form)


def _text(texts: TextBuffers, index: int) -> str:
    return texts.data[texts.offsets[index] : texts.offsets[index + 1]].tobytes().decode()


def _spliced(texts: TextBuffers, rewritten: Mapping[int, bytes]) -> TextBuffers:
    """The texts with those at the given indices, which must ascend, replaced."""
    sizes = texts.sizes.copy()
    for index, text in rewritten.items():
        sizes[index] = len(text)
    offsets = np.zeros(len(texts) + 1, dtype=np.int64)
    np.cumsum(sizes, out=offsets[1:])
    data = np.empty(offsets[-1], dtype=np.uint8)
    copied = 0
    for index, text in (*rewritten.items(), (len(texts), b"")):
        data[offsets[copied] : offsets[index]] = texts.data[texts.offsets[copied] : texts.offsets[index]]
        if index < len(texts):
            data[offsets[index] : offsets[index + 1]] = np.frombuffer(text, dtype=np.uint8)
        copied = index + 1
    return TextBuffers(data, offsets)


def _as_column(texts: TextBuffers, kind: pa.DataType) -> pa.Array:
    buffers = [None, pa.py_buffer(texts.offsets), pa.py_buffer(texts.data)]
    return pa.Array.from_buffers(pa.large_string(), len(texts), buffers).cast(kind)


def _digests(texts: TextBuffers) -> pa.Array:
    data = memoryview(texts.data.data)
    return pa.array(
        [hashlib.sha256(data[begin:end]).hexdigest() for begin, end in pairwise(texts.offsets.tolist())],
        pa.string(),
    )
