"""One change in progress: bytes go to a hidden branch at once, deletions and copies follow at the end."""

from __future__ import annotations

import stat
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from headwater.fingerprint import digest_bytes, digest_file
from headwater.lake.errors import InvalidName, NoChanges, NotFound, Unavailable
from headwater.lake.inputs import check_metadata, files_below
from headwater.lake.lakefs.control import Control
from headwater.lake.lakefs.data import PART_BYTES, Data, unchanged
from headwater.lake.lakefs.metadata import object_headers, read_object
from headwater.lake.names import check_path, check_prefix
from headwater.lake.protocol import Commit, Object

THREADS = 8


@dataclass(frozen=True)
class _Wanted:
    """What a path shall hold; `source` is the commit to copy it from unless it was sent already."""

    entry: Object
    source: str | None = None


class LakeFSChange:
    """Collects edits; see `headwater.lake.protocol.Change`.

    What was said last about a path or a folder holds. What the branch holds already is not sent again.
    """

    def __init__(
        self, control: Control, data: Data, draft: str, base: str, resolve: Callable[[str], str]
    ) -> None:
        self.commit: Commit | None = None
        self._control = control
        self._data = data
        self._draft = draft
        self._base = base
        self._resolve = resolve
        self._lock = threading.Lock()
        self._sending: dict[str, threading.Lock] = {}
        self._open = True
        self._edits: dict[str, Object | None] = {}
        self._replaced: dict[str, str | None] = {}
        self._before: dict[str, Object | None] = {}
        self._listed: tuple[str, ...] = ()
        # What the hidden branch holds at paths that were sent; None while a transfer runs or after it failed.
        self._sent: dict[str, Object | None] = {}

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
        self._list_before(prefix)
        with ThreadPoolExecutor(THREADS) as pool:
            stored = tuple(
                pool.map(lambda path: self._store(path, files[path], checked, move=move), sorted(files))
            )
        with self._lock:
            self._replace(prefix, None)
            self._edits.update({entry.path: entry for entry in stored})
        return stored

    def adopt(self, prefix: str, ref: str) -> None:
        self._check_open()
        prefix = check_prefix(prefix)
        commit = self._resolve(ref)
        with self._lock:
            self._replace(prefix, commit)

    def delete(self, path: str) -> None:
        self._check_open()
        path = check_path(path)
        with self._lock:
            self._edits[path] = None

    def close(self) -> None:
        """Refuse further edits."""
        self._open = False

    def finish(self) -> set[str]:
        """Bring the hidden branch to what was said; the paths that are new to it.

        Raises `NoChanges` when it needs nothing, `Unavailable` when a transfer had failed.
        """
        wanted = self._wanted()
        deleted: list[str] = []
        copied: list[_Wanted] = []
        for path, target in sorted(wanted.items()):
            there = self._sent[path] if path in self._sent else self._at_base(path)
            if target is None:
                if there is not None or path in self._sent:
                    deleted.append(path)
            elif there != target.entry:
                if target.source is None:
                    raise Unavailable(f"{path!r} was not sent to the lake: its transfer had failed")
                copied.append(target)
        if not (deleted or copied or self._sent):
            raise NoChanges("nothing in the change differs from the branch")
        self._control.delete(self._draft, deleted)
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(self._copy, copied))
        return {path for path, target in wanted.items() if target and self._at_base(path) is None}

    def _wanted(self) -> dict[str, _Wanted | None]:
        wanted: dict[str, _Wanted | None] = {}
        for path in self._sent:
            before = self._at_base(path)
            wanted[path] = None if before is None else _Wanted(before, self._base)
        for prefix, source in self._replaced.items():
            self._list_before(prefix)
            standing = [path for path, entry in self._before.items() if entry is not None]
            wanted.update(
                dict.fromkeys((path for path in (*standing, *wanted) if path.startswith(prefix)), None)
            )
            if source is not None:
                for item in self._control.objects(source, prefix):
                    entry = read_object(item)
                    wanted[entry.path] = _Wanted(entry, source)
        for path, entry in self._edits.items():
            wanted[path] = None if entry is None else _Wanted(entry)
        return wanted

    def _copy(self, target: _Wanted) -> None:
        self._control.copy(self._draft, target.entry.path, target.source or self._base)

    def _store(self, path: str, source: Path | bytes, metadata: dict[str, str], *, move: bool) -> Object:
        if isinstance(source, bytes):
            entry = Object(path, len(source), digest_bytes(source), metadata)
            self._send(entry, source)
            return entry
        status = source.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise InvalidName(f"{source} is no regular file; the lake holds files only")
        if status.st_size <= PART_BYTES:
            content: Path | bytes = source.read_bytes()
            entry = Object(path, len(content), digest_bytes(content), metadata)
        else:
            content = source
            entry = Object(path, status.st_size, digest_file(source), metadata)
        self._send(entry, content)
        unchanged(source, status.st_size, status.st_mtime_ns)
        if move:
            source.unlink()
        return entry

    def _send(self, entry: Object, content: Path | bytes) -> None:
        with self._path_lock(entry.path):
            sent = entry.path in self._sent
            if (self._sent[entry.path] if sent else self._at_base(entry.path)) == entry:
                return
            self._sent[entry.path] = None
            self._data.send(self._draft, entry.path, content, object_headers(entry.digest, entry.metadata))
            self._sent[entry.path] = entry

    def _at_base(self, path: str) -> Object | None:
        """The object before the change."""
        if path not in self._before and not any(map(path.startswith, self._listed)):
            try:
                self._before[path] = read_object(self._control.stat(self._base, path))
            except NotFound:
                self._before[path] = None
        return self._before.get(path)

    def _list_before(self, prefix: str) -> None:
        if any(map(prefix.startswith, self._listed)):
            return
        found = map(read_object, self._control.objects(self._base, prefix))
        self._before.update({entry.path: entry for entry in found})
        self._listed = (*self._listed, prefix)

    def _replace(self, prefix: str, source: str | None) -> None:
        for path in [path for path in self._edits if path.startswith(prefix)]:
            del self._edits[path]
        for other in [other for other in self._replaced if other.startswith(prefix)]:
            del self._replaced[other]
        self._replaced[prefix] = source

    def _path_lock(self, path: str) -> AbstractContextManager[bool]:
        with self._lock:
            return self._sending.setdefault(path, threading.Lock())

    def _check_open(self) -> None:
        if not self._open:
            raise RuntimeError("this change is closed: write inside its with-block")
