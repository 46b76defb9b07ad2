"""Files with their zstd frames opened, and closed again."""

from __future__ import annotations

import io
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater import tables
from headwater.fingerprint import digest_bytes
from headwater.lake.embedded.frames import LEVELS, closings, opened

PIECES = st.lists(st.tuples(st.binary(max_size=50), st.binary(min_size=1, max_size=300)), max_size=5)


@pytest.mark.parametrize(
    ("level", "digest"),
    [
        (1, "dfba9cf035291d97483b0cf390e8312ac2aa8b001543d5c142cf9e2f3a599f78"),
        (3, "cab5422c532f24b8b63f55fefc482df380fcc4098addf19253b00e25b20dccf5"),
    ],
)
def test_the_compressor_gives_the_bytes_that_lakes_rely_on(level: int, digest: str) -> None:
    """When this fails, deltas in lakes out there cannot be closed: see `headwater lake undo-deltas`."""
    chance = random.Random(1)
    text = " ".join(chance.choices([chance.randbytes(3).hex() for _ in range(500)], k=60_000)).encode()
    sizes = (100, 1_000, 20_000, 150_000, len(text))
    packed = b"".join(zstandard.ZstdCompressor(level=level).compress(text[:size]) for size in sizes)
    assert digest_bytes(packed) == digest


def test_datasets_are_compressed_at_a_known_level() -> None:
    assert tables.ZSTD_LEVEL in LEVELS


@pytest.mark.parametrize("level", LEVELS)
def test_a_parquet_part_is_opened_and_closed(level: int) -> None:
    table = pa.table({"text": [f"word {number} " * 30 for number in range(2_000)]})
    stream = io.BytesIO()
    pq.write_table(table, stream, compression="zstd", compression_level=level)
    data = stream.getvalue()
    found = opened(data)
    assert found is not None
    content, frames = found
    assert frames
    assert b"word 1999 word 1999" in content
    assert list(closings(content, frames)).count(data) == 2


@settings(deadline=None)
@given(PIECES, st.binary(max_size=50), st.sampled_from(LEVELS))
def test_any_file_comes_back(pieces: list[tuple[bytes, bytes]], end: bytes, level: int) -> None:
    compress = zstandard.ZstdCompressor(level=level).compress
    data = b"".join(before + compress(content) for before, content in pieces) + end
    found = opened(data)
    assert found is not None
    assert data in list(closings(*found))


@settings(deadline=None)
@given(st.binary(max_size=200), st.integers(0, 200))
def test_broken_frames_are_left_as_they_are(content: bytes, cut: int) -> None:
    data = zstandard.ZstdCompressor(level=LEVELS[0]).compress(content + b"x")[:-1][:cut]
    assert opened(data) == (data, [])
