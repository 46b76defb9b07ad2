"""Core metadata of Python distributions (METADATA, PKG-INFO): the description."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.message import Message
from email.parser import Parser

from headwater.curate.extract.base import Document, RawFile, whole
from headwater.curate.extract.markdown import markdown_text
from headwater.curate.extract.rst import rst_text

MAX_LICENCE_CHARACTERS = 100
_FOLDED = re.compile(r"\n(?: {7}\|| {8}|\t)")


def metadata(file: RawFile) -> Iterator[Document]:
    """The description as a document titled by the distribution's name.

    The description is the body or the field of that name (core metadata, PEP 566 and 345), in the format
    that its content type says; without one the summary stands for it.
    """
    source = file.text()
    message = Parser().parsestr(source)
    body = message.get_payload()
    description = body if isinstance(body, str) and body.strip() else _unfolded(message)
    text = _extracted(description, message.get("Description-Content-Type", "")) if description.strip() else ""
    summary = " ".join(message.get("Summary", "").split())
    attributes = {
        "name": message.get("Name", ""),
        "version": message.get("Version", ""),
        "licence": _licence(message),
        "summary": summary,
    }
    return whole(
        text if text.strip() else summary,
        len(source),
        title=message.get("Name", ""),
        attributes={name: value for name, value in attributes.items() if value},
    )


def _unfolded(message: Message) -> str:
    return _FOLDED.sub("\n", message.get("Description", ""))


def _extracted(description: str, content_type: str) -> str:
    kind = content_type.split(";")[0].strip().lower()
    if kind == "text/markdown":
        return markdown_text(description)[0]
    if kind == "text/plain":
        return description
    return rst_text(description)[0]


def _licence(message: Message) -> str:
    """The licence as one short line: many a distribution puts the whole licence into the field."""
    for name in ("License-Expression", "License"):
        value = message.get(name, "").strip()
        if value and "\n" not in value and len(value) <= MAX_LICENCE_CHARACTERS:
            return value
    for classifier in message.get_all("Classifier", []):
        if classifier.startswith("License ::"):
            return classifier.rpartition("::")[2].strip()
    return ""
