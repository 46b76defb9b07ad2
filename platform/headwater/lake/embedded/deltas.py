"""Payloads of the past, kept as what differs from the payload that took their place.

A file `deltas/<2 hex>/<62 hex>`, named by the digest of the payload it stands for: one line of JSON (the
digest of its base, its frames) and the opened form (see `frames`), compressed by zstd with the opened form of
the base as its prefix. The base may be a delta as well; the last one of a chain is whole.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import zstandard

from headwater.fingerprint import canonical_json, digest_bytes
from headwater.lake.embedded.frames import LEVELS, MADE_BY, MAX_OPENED_BYTES, Frames, closings, opened
from headwater.lake.errors import Damaged, Gone

LONGEST_CHAIN = 32
"""Deltas that are undone to read one payload; where it would be more, a payload stays whole."""
WORTH = 0.5
"""A delta is kept if it is at most this share of its payload."""
_LEVEL = 6
"""Level 9 makes a delta a tenth smaller in twice the time; level 3 misses most of what is equal."""
_SAMPLE_BYTES = 1 << 18
_HEIGHT = ".height"


@dataclass(frozen=True)
class Header:
    """What a delta needs besides its bytes. `made_by` is the release of zstd that closes its frames."""

    base: str
    frames: Frames
    made_by: str


class Deltas:
    """All deltas of a lake; `whole` is where payloads are that are kept as they are."""

    def __init__(self, root: Path, whole: Path) -> None:
        self.folder = root / "deltas"
        self._whole = whole

    def path(self, digest: str) -> Path:
        """Where the delta is, or would be."""
        return self.folder / f"{digest[:2]}/{digest[2:]}"

    def all(self) -> Iterator[tuple[str, os.stat_result]]:
        """Digests and file status of all deltas, in the order of the digests."""
        for file in sorted(self.folder.glob("??/*")):
            if file.suffix != _HEIGHT:
                yield file.parent.name + file.name, file.stat()

    def header(self, digest: str) -> Header | None:
        """`None` when there is no such delta. Raises `Damaged` when it cannot be read."""
        try:
            with self.path(digest).open("rb") as stream:
                return _header(digest, stream.readline())
        except FileNotFoundError:
            return None

    def chain(self, digest: str) -> list[str]:
        """What the payload is made of if its own bytes are not there: itself, its base, …, one that is whole.

        Raises `Gone` when that leads nowhere, and `Damaged`.
        """
        found = [digest]
        while len(found) == 1 or not self._whole_path(found[-1]).exists():
            header = self.header(found[-1])
            if header is None or header.base in found:
                raise Gone(f"the bytes with the sha256 {digest} are no longer in the lake")
            found.append(header.base)
        return found

    def needed(self, digests: Iterable[str]) -> set[str]:
        """These payloads and all that they are deltas of. Raises `Damaged` when that cannot be read."""
        found: set[str] = set()
        for digest in digests:
            at: str | None = digest
            while at is not None and at not in found:
                found.add(at)
                at = self._base(at)
        return found

    def rebuild(self, digest: str) -> bytes:
        """The payload, checked against its digest. Raises `Gone` and `Damaged`."""
        *links, root = self.chain(digest)
        whole = opened(self._whole_path(root).read_bytes())
        if whole is None:
            raise Damaged(f"the payload {root}, of which {digest} is a delta, is not what it was")
        content, frames = whole
        made_by = MADE_BY
        for link in reversed(links):
            header, packed = self._read(link)
            content, frames, made_by = _undone(packed, content, link), header.frames, header.made_by
        for data in closings(content, frames):
            if digest_bytes(data) == digest:
                return data
        hint = "" if made_by == MADE_BY else f"; it needs zstd {made_by}, and this is {MADE_BY}"
        raise Damaged(f"the payload {digest} cannot be rebuilt from its delta{hint}")

    def make(self, digest: str, base: str, target: Path) -> bool:
        """Write the delta of one whole payload against another to `target` and read it back; whether it is
        worth it.

        `target` is left unfinished where it is not. Raises `OSError`.
        """
        if self._height(digest) >= LONGEST_CHAIN:
            return False
        data = self._whole_path(digest).read_bytes()
        ours, theirs = opened(data), opened(self._whole_path(base).read_bytes())
        if ours is None or theirs is None or not _promising(ours[0], theirs[0], WORTH * len(data)):
            return False
        line = canonical_json({"base": base, "frames": ours[1], "made_by": MADE_BY}).encode() + b"\n"
        packed = _difference(ours[0], theirs[0])
        if len(line) + len(packed) > WORTH * len(data):
            return False
        target.write_bytes(line + packed)
        head, _, body = target.read_bytes().partition(b"\n")
        content = _undone(body, theirs[0], digest)
        # Of the encoders only our own, whose release the header names.
        return data in islice(closings(content, _header(digest, head).frames), len(LEVELS))

    def place(self, digest: str, base: str, made: Path) -> None:
        """Give a delta that `make` wrote its name."""
        height = max(self._height(base), self._height(digest) + 1)
        for file in (self.path(digest), self.path(base)):
            file.parent.mkdir(exist_ok=True)
        self._height_path(base).write_text(str(height), encoding="ascii")
        made.replace(self.path(digest))

    def remove(self, digest: str) -> None:
        """Delete a delta, if there is one. The caller holds the gate alone."""
        self.path(digest).unlink(missing_ok=True)

    def forget_heights(self, kept: Iterable[str]) -> None:
        """Delete what is known of the deltas that lead to other payloads than these."""
        names = set(kept)
        for file in sorted(self.folder.glob(f"??/*{_HEIGHT}")):
            if file.parent.name + file.stem not in names:
                file.unlink()

    def _base(self, digest: str) -> str | None:
        try:
            header = self.header(digest)
        except Damaged:
            if self._whole_path(digest).exists():
                return None
            raise
        return None if header is None else header.base

    def _height(self, digest: str) -> int:
        """How many deltas at most are undone, one after the other, from this payload on."""
        with suppress(FileNotFoundError, ValueError):
            return int(self._height_path(digest).read_text(encoding="ascii"))
        return 0

    def _height_path(self, digest: str) -> Path:
        return self.path(digest).with_name(digest[2:] + _HEIGHT)

    def _whole_path(self, digest: str) -> Path:
        return self._whole / f"{digest[:2]}/{digest[2:]}"

    def _read(self, digest: str) -> tuple[Header, bytes]:
        try:
            line, _, packed = self.path(digest).read_bytes().partition(b"\n")
        except FileNotFoundError:
            raise Gone(f"the bytes with the sha256 {digest} are no longer in the lake") from None
        return _header(digest, line), packed


def _header(digest: str, line: bytes) -> Header:
    try:
        found = json.loads(line)
        return Header(found["base"], [(between, size) for between, size in found["frames"]], found["made_by"])
    except (ValueError, KeyError, TypeError) as error:
        raise Damaged(f"the delta of the payload {digest} cannot be read: {error}") from error


def _promising(content: bytes, prefix: bytes, limit: float) -> bool:
    """Whether a piece from the middle shrinks as the whole would have to; what is small is simply tried."""
    if len(content) <= 16 * _SAMPLE_BYTES:
        return True
    begin = (len(content) - _SAMPLE_BYTES) // 2
    near = prefix[max(0, begin - 4 * _SAMPLE_BYTES) : begin + 5 * _SAMPLE_BYTES]
    sample = _difference(content[begin : begin + _SAMPLE_BYTES], near)
    return len(sample) / _SAMPLE_BYTES < 2 * limit / len(content)


def _difference(content: bytes, prefix: bytes) -> bytes:
    window = max(10, (len(content) + len(prefix)).bit_length())
    parameters = zstandard.ZstdCompressionParameters.from_level(_LEVEL, window_log=window)
    return zstandard.ZstdCompressor(dict_data=_prefix(prefix), compression_params=parameters).compress(
        content
    )


def _undone(packed: bytes, prefix: bytes, digest: str) -> bytes:
    try:
        if not 0 <= zstandard.frame_content_size(packed) <= MAX_OPENED_BYTES:
            raise Damaged(f"the delta of the payload {digest} is broken")
        reader = zstandard.ZstdDecompressor(dict_data=_prefix(prefix), max_window_size=4 * MAX_OPENED_BYTES)
        return reader.decompress(packed)
    except zstandard.ZstdError as error:
        raise Damaged(f"the delta of the payload {digest} is broken: {error}") from error


def _prefix(data: bytes) -> zstandard.ZstdCompressionDict:
    return zstandard.ZstdCompressionDict(data, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
