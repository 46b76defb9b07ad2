"""Readers: from the bytes of a file to its documents."""

from __future__ import annotations

import importlib
from typing import cast

from headwater.curate.extract.awscli_examples import awscli_examples
from headwater.curate.extract.base import Document, RawFile, Reader, Refuse, Rejected
from headwater.curate.extract.botocore_operations import botocore_operations
from headwater.curate.extract.html import html
from headwater.curate.extract.markdown import markdown
from headwater.curate.extract.metadata import metadata
from headwater.curate.extract.records import json_file, json_lines
from headwater.curate.extract.rst import rst
from headwater.curate.extract.text import text
from headwater.curate.media import GZIP_SUFFIX, HTML, JSON, JSON_LINES, MARKDOWN, METADATA, RST, TEXT

READERS: dict[str, Reader] = {
    "text": text,
    "markdown": markdown,
    "html": html,
    "rst": rst,
    "json": json_file,
    "jsonl": json_lines,
    "metadata": metadata,
    "botocore_operations": botocore_operations,
    "awscli_examples": awscli_examples,
}
"""The readers by the name that `reader:` of a source may say."""

LIBRARIES = ("selectolax", "markdown-it-py", "docutils", "botocore")
"""Distributions whose version may change what is extracted."""

_BY_MEDIA_TYPE = {
    TEXT: text,
    MARKDOWN: markdown,
    HTML: html,
    RST: rst,
    JSON: json_file,
    JSON_LINES: json_lines,
    METADATA: metadata,
}


def named_reader(name: str) -> Reader:
    """The reader called `name`, or the function at `package.module:function`.

    Raises `ValueError` that lists the names, or says what is missing at the given place.
    """
    if ":" not in name:
        if name not in READERS:
            raise ValueError(
                f"reader {name!r} is unknown; expected one of {', '.join(READERS)} or package.module:function"
            )
        return READERS[name]
    module, _, function = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), function, None)
    except ImportError as error:
        raise ValueError(f"reader {name!r}: {error}") from error
    if not callable(found):
        raise ValueError(f"reader {name!r}: module {module!r} has no function {function!r}")
    return cast("Reader", found)


def reader_for(media_type: str) -> Reader:
    """The reader of a media type. Raises `Refuse` when there is none."""
    reader = _BY_MEDIA_TYPE.get(media_type.removesuffix(GZIP_SUFFIX))
    if reader is None:
        raise Refuse("unknown_media_type", f"no reader for {media_type}; name one with `reader:`")
    return reader


__all__ = [
    "LIBRARIES",
    "READERS",
    "Document",
    "RawFile",
    "Reader",
    "Refuse",
    "Rejected",
    "named_reader",
    "reader_for",
]
