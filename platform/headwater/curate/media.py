"""Media types, from a file's name and its first bytes."""

from __future__ import annotations

GZIP = b"\x1f\x8b"
HEAD_BYTES = 4096

MARKDOWN = "text/markdown"
HTML = "text/html"
RST = "text/x-rst"
TEXT = "text/plain"
JSON = "application/json"
JSON_LINES = "application/jsonl"
METADATA = "text/x-python-metadata"
UNKNOWN = "application/octet-stream"
GZIP_SUFFIX = "+gzip"

_BY_SUFFIX = {
    ".md": MARKDOWN,
    ".markdown": MARKDOWN,
    ".html": HTML,
    ".htm": HTML,
    ".xhtml": HTML,
    ".rst": RST,
    ".txt": TEXT,
    ".text": TEXT,
    ".log": TEXT,
    ".json": JSON,
    ".jsonl": JSON_LINES,
    ".ndjson": JSON_LINES,
}
_BY_NAME = {"METADATA": METADATA, "PKG-INFO": METADATA}
_MAGIC = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x7fELF", "application/x-elf"),
    (GZIP, "application/gzip"),
)
_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def media_type(path: str, head: bytes) -> str:
    """Media type of a file from the last part of `path` and its first 4,096 bytes.

    A known extension decides; its reader finds out whether the content keeps the promise. Otherwise the
    content decides: a known signature, or plain text if it holds no zero byte. `+gzip` is appended when the
    name ends in `.gz` and the content is compressed.
    """
    name = path.rpartition("/")[2]
    if name.lower().endswith(".gz") and head.startswith(GZIP):
        inner = _named(name[:-3])
        return inner + GZIP_SUFFIX if inner else "application/gzip"
    return _named(name) or _sniffed(head)


def signature(head: bytes) -> str | None:
    """Media type of a binary format that `head` begins with, if it is one that is known here."""
    return next((kind for magic, kind in _MAGIC if head.startswith(magic)), None)


def _named(name: str) -> str | None:
    suffix = "." + name.lower().rpartition(".")[2] if "." in name else ""
    return _BY_NAME.get(name) or _BY_SUFFIX.get(suffix)


def _sniffed(head: bytes) -> str:
    known = signature(head)
    if known is not None:
        return known
    if b"\x00" in head and not head.startswith(_BYTE_ORDER_MARKS):
        return UNKNOWN
    return TEXT
