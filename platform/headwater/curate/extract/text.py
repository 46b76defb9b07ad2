"""Plain text."""

from __future__ import annotations

from collections.abc import Iterator

from headwater.curate.extract.base import Document, RawFile, whole


def text(file: RawFile) -> Iterator[Document]:
    """The file as it is; it states no title."""
    content = file.text()
    return whole(content, len(content), section=file.folders)
