"""The edits of a change in progress, as both stores keep them until they are committed."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Generic, TypeVar

from headwater.lake.inputs import check_metadata, files_below
from headwater.lake.names import check_path, check_prefix
from headwater.lake.protocol import Commit, Object

Source = TypeVar("Source")
"""What a store needs to take a folder over from: a tree, a commit."""


class Edits(ABC, Generic[Source]):
    """A `headwater.lake.protocol.Change` whose store says how bytes are kept and refs are read.

    What was said last about a path or a folder holds. `adopt` and `put_folder` drop what was said before
    about anything below their prefix.
    """

    def __init__(self) -> None:
        self.commit: Commit | None = None
        self._lock = threading.Lock()
        self._open = True
        self._edits: dict[str, Object | None] = {}
        self._replaced: dict[str, Source | None] = {}

    def put(
        self,
        path: str,
        source: Path | bytes,
        metadata: Mapping[str, str] = {},
        *,
        move: bool = False,
    ) -> Object:
        self._check_open()
        path = check_path(path)
        entry = self._store(path, source, check_metadata(metadata), move=move)
        with self._lock:
            self._edits[path] = entry
        return entry

    def put_folder(
        self, prefix: str, folder: Path, *, move: bool = False, metadata: Mapping[str, str] = {}
    ) -> tuple[Object, ...]:
        self._check_open()
        prefix = check_prefix(prefix)
        checked = check_metadata(metadata)
        files = {check_path(prefix + relative): file for relative, file in files_below(folder)}
        stored = self._store_folder(prefix, dict(sorted(files.items())), checked, move=move)
        with self._lock:
            self._replace(prefix, None)
            self._edits.update({entry.path: entry for entry in stored})
        return stored

    def adopt(self, prefix: str, ref: str) -> None:
        self._check_open()
        prefix = check_prefix(prefix)
        source = self._source(ref)
        with self._lock:
            self._replace(prefix, source)

    def delete(self, path: str) -> None:
        self._check_open()
        path = check_path(path)
        with self._lock:
            self._edits[path] = None

    def close(self) -> None:
        """Refuse further edits."""
        self._open = False

    @abstractmethod
    def _store(self, path: str, source: Path | bytes, metadata: dict[str, str], *, move: bool) -> Object:
        """Keep the bytes of one object; nothing refers to them yet."""

    @abstractmethod
    def _store_folder(
        self, prefix: str, /, files: Mapping[str, Path], metadata: dict[str, str], *, move: bool
    ) -> tuple[Object, ...]:
        """Keep the bytes of the objects below a prefix, by path in order."""

    @abstractmethod
    def _source(self, ref: str) -> Source:
        """What `adopt` takes over from. Raises `NotFound`."""

    def _replace(self, prefix: str, source: Source | None) -> None:
        for path in [path for path in self._edits if path.startswith(prefix)]:
            del self._edits[path]
        for other in [other for other in self._replaced if other.startswith(prefix)]:
            del self._replaced[other]
        self._replaced[prefix] = source

    def _check_open(self) -> None:
        if not self._open:
            raise RuntimeError("this change is closed: write inside its with-block")
