"""Lines of a segment: a checksum, a space, JSON, a line feed. A torn or damaged line is recognized."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from headwater.fingerprint import canonical_json
from headwater.inference_log.records import Entry

CHECKSUM_DIGITS = 8


class BrokenLine(ValueError):
    """A line that cannot be read. `reason` is a word, the message says more and repeats none of the line."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def encoded(value: Mapping[str, Any]) -> bytes:
    """The line of a value. What is no text (lone surrogates) becomes a question mark.

    Raises `ValueError` for NaN and `TypeError` for what JSON does not know.
    """
    body = canonical_json(value).encode("utf-8", "replace")
    return b"%08x %s\n" % (zlib.crc32(body), body)


def decoded(line: bytes) -> Entry:
    """The entry of a line, which may lack its line feed. Raises `BrokenLine` for anything else."""
    return entry_of(json_of(line))


def json_of(line: bytes) -> dict[str, Any]:
    """The object of a line. Raises `BrokenLine`."""
    checksum, space, body = line.removesuffix(b"\n").partition(b" ")
    if len(checksum) != CHECKSUM_DIGITS or not space or checksum != b"%08x" % zlib.crc32(body):
        raise BrokenLine("torn", f"the checksum does not fit the line's {len(line):,} bytes")
    try:
        value: Any = json.loads(body)
    except (ValueError, RecursionError):
        raise BrokenLine("not_json", "the line is no JSON") from None
    if not isinstance(value, dict):
        raise BrokenLine("not_json", "the line is no JSON object")
    return value


def entry_of(value: Mapping[str, Any]) -> Entry:
    """The entry that an object describes. Raises `BrokenLine`."""
    try:
        return Entry.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BrokenLine("invalid_record", f"{where}: {first['msg']}") from None
