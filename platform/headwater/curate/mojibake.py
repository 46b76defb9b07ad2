"""Repair of UTF-8 that was read in another encoding: `cafÃ©` for `café`."""

from __future__ import annotations

import re

import ftfy
import numpy as np
import pyarrow as pa

from headwater.curate.code_points import normalization_kinds
from headwater.curate.kernels.buffers import TextBuffers
from headwater.curate.kernels.normalize import MOJIBAKE, cleaned

# What is judged together: a line, or a million characters of it as in ftfy's `fix_text`.
_PIECES = re.compile(r"[^\n]{1,1000000}|\n")


def repair(text: str) -> tuple[str, int]:
    """The text with mojibake undone, and in how many lines.

    ftfy (Speer, 2019) judges each line that shows signs by itself and undoes what can have been read in a
    wrong encoding; its other repairs (quotes, ligatures, widths) are not made. A repaired text is shorter, or
    has fewer control characters.
    """
    pieces = _PIECES.findall(text)
    _, flags = cleaned(TextBuffers.of(pa.array(pieces, pa.large_string())), normalization_kinds("NFC"))
    repaired = 0
    for index in np.flatnonzero(flags & MOJIBAKE):
        fixed = ftfy.fix_encoding(pieces[index])
        repaired += fixed != pieces[index]
        pieces[index] = fixed
    return "".join(pieces), repaired
