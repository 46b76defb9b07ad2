"""What a reader is given and what it gives back."""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import unquote

from headwater.curate.media import GZIP_SUFFIX, signature
from headwater.curate.quarantine import encodable
from headwater.sources import Reading


class Refuse(Exception):
    """A reader cannot read a file, or the rest of it; `reason` and `detail` go to quarantine."""

    def __init__(self, reason: str, detail: str, excerpt: str = "") -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.excerpt = excerpt


@dataclass(frozen=True)
class Document:
    """A document that a reader found.

    `fragment` names it inside its file and is empty when it is the whole file; then `start` and `end` are
    its offsets in the decoded file. Headings inside `text` are lines of one to six `#`, a space and the
    heading, whatever the format was; code is indented by four spaces.
    """

    text: str
    title: str = ""
    section: str = ""
    fragment: str = ""
    start: int | None = None
    end: int | None = None
    attributes: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Rejected:
    """A part of a file that cannot become a document, while the others can."""

    fragment: str
    reason: str
    detail: str
    excerpt: str = ""


@dataclass(frozen=True)
class RawFile:
    """A file of the raw tier."""

    uri: str
    source: str
    media_type: str
    location: Path
    max_bytes: int
    reading: Reading

    @property
    def path(self) -> str:
        """The file's path inside its source."""
        return unquote(self.uri.removeprefix(f"{self.source}/"))

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def folders(self) -> str:
        """The folders that lead to the file, joined by ` > `."""
        return " > ".join(self.path.split("/")[:-1])

    def open(self) -> BinaryIO:
        """The bytes, decompressed if the media type says so; reading raises `OSError` of gzip's kinds."""
        if self.media_type.endswith(GZIP_SUFFIX):
            return cast("BinaryIO", gzip.open(self.location, "rb"))
        return self.location.open("rb")

    def read(self) -> bytes:
        """All bytes. Raises `Refuse` for files that are empty, damaged or over `max_bytes`, also unpacked."""
        with self.open() as stream, damaged_gzip():
            data = stream.read(self.max_bytes + 1)
        if len(data) > self.max_bytes:
            raise Refuse("too_large", f"more than {self.max_bytes:,} bytes", _lossy(data))
        if not data:
            raise Refuse("empty_file", "0 bytes")
        return data

    def text(self) -> str:
        """All text, with line ends as `\\n`. Raises `Refuse` as `read` and `decode` do."""
        return decode(self.read())


Reader = Callable[[RawFile], Iterator[Document | Rejected]]
"""Yields documents in the order in which they stand in the file; raises `Refuse`."""


@contextmanager
def damaged_gzip() -> Generator[None]:
    """Turns what a damaged gzip stream raises into a `Refuse`."""
    try:
        yield
    except EOFError as error:
        raise Refuse("truncated", "the gzip stream ends early") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise Refuse("corrupt_gzip", str(error)) from error


def decode(data: bytes) -> str:
    """Text of UTF-8 with or without byte order mark, or UTF-16 with one; no other encoding is guessed.

    Line ends become `\\n`. Raises `Refuse`: `binary` or `not_utf8`.
    """
    kind = signature(data[:16])
    if kind is not None:
        raise Refuse("binary", f"it begins like {kind}")
    encoding = "utf-8-sig"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif b"\x00" in data:
        raise Refuse("binary", f"a zero byte at offset {data.index(0):,}", _lossy(data))
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        detail = f"{error.reason} at offset {error.start:,}"
        raise Refuse("not_utf8", detail, _lossy(data)) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _lossy(data: bytes) -> str:
    return encodable(data[:1200].decode("utf-8", "replace").replace("\x00", "\ufffd"))


def whole(
    text: str, length: int, *, title: str = "", section: str = "", attributes: Mapping[str, str] | None = None
) -> Iterator[Document]:
    """The one document of a file of `length` characters. Raises `Refuse` when `text` is blank."""
    if not text.strip():
        raise Refuse("no_text", "nothing is left after extraction")
    yield Document(text, title=title, section=section, start=0, end=length, attributes=attributes or {})
