"""Rows of the last version of a dataset that are taken over instead of being made again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from headwater.curate.quarantine import Quarantine
from headwater.tables import read_rows


class Previous:
    """Bronze rows and refusals of the last version, met in the order of their files.

    Files must be asked for in ascending order of uri, in which both datasets stand: one pass, no memory.
    """

    def __init__(self, folder: Path | None) -> None:
        self._documents = _Cursor(read_rows(folder) if folder else iter(()))
        self._refusals = _Cursor(read_rows(folder / "quarantine") if folder else iter(()))

    @classmethod
    def open(cls, folder: Path | None) -> Self:
        """The last version in `folder`; with None there is nothing to take over."""
        return cls(folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._documents.close()
        self._refusals.close()

    def take(
        self, uri: str, digest: str, media_type: str, quarantine: Quarantine
    ) -> Iterator[dict[str, Any]] | None:
        """Rows of the file `uri` if the last version has it with this digest, else None.

        Its refusals go to `quarantine` as the rows are consumed.
        """
        self._documents.seek(uri)
        self._refusals.seek(uri)
        heads = [cursor.head for cursor in (self._documents, self._refusals) if cursor.is_at(uri)]
        if not heads or any(head["raw_digest"] != digest for head in heads if head):
            return None
        if any(head.get("media_type", media_type) != media_type for head in heads if head):
            return None
        return self._taken(uri, quarantine)

    def _taken(self, uri: str, quarantine: Quarantine) -> Iterator[dict[str, Any]]:
        for row in self._refusals.at(uri):
            quarantine.add_row(row)
        yield from self._documents.at(uri)


class _Cursor:
    def __init__(self, rows: Iterator[dict[str, Any]]) -> None:
        self._rows = rows
        self.head = next(rows, None)

    def is_at(self, uri: str) -> bool:
        return self.head is not None and _file(self.head["uri"]) == uri

    def seek(self, uri: str) -> None:
        """Move to the first row of `uri` or of a later file."""
        while self.head is not None and _file(self.head["uri"]) < uri:
            self.head = next(self._rows, None)

    def at(self, uri: str) -> Iterator[dict[str, Any]]:
        while self.head is not None and _file(self.head["uri"]) == uri:
            yield self.head
            self.head = next(self._rows, None)

    def close(self) -> None:
        self._rows = iter(())
        self.head = None


def _file(uri: str) -> str:
    return uri.partition("#")[0]
