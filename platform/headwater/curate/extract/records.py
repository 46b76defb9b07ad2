"""JSON files and JSON lines: each object is a document."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn, cast
from urllib.parse import quote

from headwater.curate.extract.base import Document, RawFile, Refuse, Rejected, damaged_gzip, decode
from headwater.curate.quarantine import encodable
from headwater.fingerprint import canonical_json
from headwater.sources import Reading


def json_file(file: RawFile) -> Iterator[Document | Rejected]:
    """One document for an object, or one for each object of a list."""
    value = parse(file.text())
    if isinstance(value, list):
        for number, item in enumerate(cast("list[Any]", value), 1):
            yield _document(item, file.reading, str(number), file.folders)
    else:
        yield _document(value, file.reading, "", file.folders)


def json_lines(file: RawFile) -> Iterator[Document | Rejected]:
    """One document for each line; a bad line is refused alone. Memory is bounded by the longest line."""
    for number, line in _lines(file):
        fragment = f"L{number}"
        if isinstance(line, Refuse):
            yield Rejected(fragment, line.reason, line.detail, line.excerpt)
        elif line.strip():
            try:
                value = parse(line)
            except Refuse as refusal:
                yield Rejected(fragment, refusal.reason, refusal.detail, refusal.excerpt)
            else:
                yield _document(value, file.reading, fragment, file.folders)


def parse(text: str) -> Any:
    """The JSON value of `text`. Raises `Refuse`: `invalid_json` or `too_deep`."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except RecursionError as error:
        raise Refuse("too_deep", "arrays or objects nest deeper than the JSON parser can follow") from error
    except ValueError as error:
        raise Refuse("invalid_json", str(error)[:200], encodable(text[:300])) from error


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


def _lines(file: RawFile) -> Iterator[tuple[int, str | Refuse]]:
    with file.open() as stream, damaged_gzip():
        empty = True
        number = 0
        while line := stream.readline(file.max_bytes + 1):
            empty = False
            number += 1
            if number == 1 and line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                yield from enumerate(file.text().split("\n"), 1)
                return
            if len(line) > file.max_bytes:
                excerpt = line[:1200].decode("utf-8", "replace")
                while line and not line.endswith(b"\n"):
                    line = stream.readline(1 << 20)
                yield number, Refuse("too_large", f"a line of more than {file.max_bytes:,} bytes", excerpt)
                continue
            try:
                yield number, decode(line)
            except Refuse as refusal:
                yield number, refusal
    if empty:
        raise Refuse("empty_file", "0 bytes")


def _document(value: Any, reading: Reading, fragment: str, section: str) -> Document | Rejected:
    if not isinstance(value, dict):
        return Rejected(fragment, "not_an_object", f"expected an object, found {type(value).__name__}")
    record = cast("dict[str, Any]", value)
    text = _field(record, reading.text)
    if not isinstance(text, str):
        detail = f"no text in the field {reading.text!r}; fields: {', '.join(sorted(record))[:200]}"
        return Rejected(fragment, "no_text_field", detail, canonical_json(record)[:300])
    if not text.strip():
        return Rejected(fragment, "no_text", f"the field {reading.text!r} is blank")
    identifier = _scalar(_field(record, reading.id))
    if identifier is not None and fragment:
        fragment = quote(encodable(identifier), safe="")
    title = _scalar(_field(record, reading.title)) or ""
    roots = {name.split(".", 1)[0] for name in (reading.text, reading.title)}
    attributes = {
        encodable(name): encodable(rendered)
        for name, item in record.items()
        if name not in roots and (rendered := _scalar(item)) is not None
    }
    return Document(encodable(text), encodable(title), section, fragment, attributes=attributes)


def _field(record: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path."""
    value: Any = record
    for part in path.split("."):
        value = cast("dict[str, Any]", value).get(part) if isinstance(value, dict) else None
    return value


def _scalar(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    return None
