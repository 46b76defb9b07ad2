"""Files with their zstd frames opened: of two Parquet parts whose rows are nearly the same, nearly the same.

Within a compressed page, one changed row changes every byte that follows; in the opened form it changes only
its own. The way back compresses anew, which gives the very bytes only with the level and the release of zstd
that made the file. So whoever keeps an opened form compares digests first, and the release is part of the
lake's format: it is pinned in the project's dependencies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import zstandard

LEVELS = (1, 3)
"""At which `headwater.tables` compresses, and at which it did when lakes had their first format."""
MAX_OPENED_BYTES = 1 << 26
"""Opened forms beyond this size are refused: two of them are held in memory at once."""
MADE_BY = ".".join(map(str, zstandard.ZSTD_VERSION))
"""The release of zstd that compresses here."""

Frames = Sequence[tuple[int, int]]
"""Of each frame: the bytes between it and the frame before, and its bytes when opened."""

_MAGIC = b"\x28\xb5\x2f\xfd"
_LONGEST_HEADER = 18


def opened(data: bytes) -> tuple[bytes, Frames] | None:
    """The bytes with every zstd frame in them decompressed; `None` when that is too much.

    Where frames are is found by looking for their beginning, so any kind of file may hold them. Depends on
    what zstd's format says alone, not on a release.
    """
    pieces: list[bytes] = []
    frames: list[tuple[int, int]] = []
    size = end = begin = 0
    while (begin := data.find(_MAGIC, begin)) >= 0:
        content, length = _frame(data, begin)
        if not length:
            begin += len(_MAGIC)
            continue
        pieces += [data[end:begin], content]
        frames.append((begin - end, len(content)))
        size += begin - end + len(content)
        begin = end = begin + length
        if size > MAX_OPENED_BYTES:
            return None
    if size + len(data) - end > MAX_OPENED_BYTES:
        return None
    return b"".join([*pieces, data[end:]]), frames


def closings(content: bytes, frames: Frames) -> Iterator[bytes]:
    """The bytes of which `content` may be the opened form: one try for each encoder that is at hand.

    The digest says which is right. pyarrow brings a zstd of its own, which may be the release that made the
    file when ours no longer is.
    """
    encoders: list[Callable[[bytes], bytes]] = [
        partial(compress, level=level)
        for compress in (_compressed, _compressed_by_pyarrow)
        for level in LEVELS
    ]
    for compress in encoders if frames else encoders[:1]:
        pieces: list[bytes] = []
        at = 0
        for between, length in frames:
            begin = at + between
            pieces += [content[at:begin], compress(content[begin : begin + length])]
            at = begin + length
        yield b"".join([*pieces, content[at:]])


def _frame(data: bytes, begin: int) -> tuple[bytes, int]:
    """The content of the frame that begins there, and its length in `data`, 0 if none does."""
    try:
        header = zstandard.get_frame_parameters(data[begin : begin + _LONGEST_HEADER])
        if not 0 < header.content_size <= MAX_OPENED_BYTES:
            return b"", 0
        # A frame that did not shrink is longer than its content, by three bytes for each block.
        longest = header.content_size + header.content_size // 100 + 1024
        reader = zstandard.ZstdDecompressor(max_window_size=MAX_OPENED_BYTES).decompressobj()
        window = data[begin : begin + longest]
        content = reader.decompress(window)
    except zstandard.ZstdError:
        return b"", 0
    if not reader.eof or len(content) != header.content_size:
        return b"", 0
    return content, len(window) - len(reader.unused_data)


def _compressed(content: bytes, *, level: int) -> bytes:
    return zstandard.ZstdCompressor(level=level).compress(content)


def _compressed_by_pyarrow(content: bytes, *, level: int) -> bytes:
    import pyarrow as pa

    return pa.Codec("zstd", compression_level=level).compress(content, asbytes=True)
