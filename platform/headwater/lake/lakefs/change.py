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
from headwater.lake.edits import Edits
from headwater.lake.errors import InvalidName, NoChanges, NotFound, Unavailable
from headwater.lake.lakefs.adopting import go_back, graft
from headwater.lake.lakefs.control import Control
from headwater.lake.lakefs.data import PART_BYTES, Data, unchanged
from headwater.lake.lakefs.metadata import object_headers, read_object
from headwater.lake.protocol import Object

THREADS = 8


@dataclass(frozen=True)
class _Wanted:
    """What a path shall hold; `source` is the commit to copy it from unless it was sent already."""

    entry: Object
    source: str | None = None


@dataclass(frozen=True)
class Prepared:
    """A hidden branch at `head`, and whether more is `staged` on it; its base lacks the paths in `added`."""

    head: str
    staged: bool
    added: set[str]


class LakeFSChange(Edits[str]):
    """A change on lakeFS; see `headwater.lake.protocol.Change`. What the branch holds is not sent again."""

    def __init__(
        self,
        control: Control,
        data: Data,
        branch: str,
        draft: str,
        base: str,
        resolve: Callable[[str], str],
    ) -> None:
        super().__init__()
        self._branch = branch
        self._control = control
        self._data = data
        self._draft = draft
        self._base = base
        self._resolve = resolve
        self._sending: dict[str, threading.Lock] = {}
        self._before: dict[str, Object | None] = {}
        self._listed: tuple[str, ...] = ()
        # What the hidden branch holds at paths that were sent; None while a transfer runs or after it failed.
        self._sent: dict[str, Object | None] = {}

    def finish(self) -> Prepared:
        """Bring the hidden branch to what was said.

        Raises `NoChanges` when it needs nothing, `Unavailable` when a transfer had failed.
        """
        wanted = self._wanted()
        added = {path for path, target in wanted.items() if target and self._at_base(path) is None}
        head = self._take_over(wanted)
        standing = self._at_base if head == self._base else self._standing_at(head)
        deleted: list[str] = []
        copied: list[_Wanted] = []
        for path, target in sorted(wanted.items()):
            there = self._sent[path] if path in self._sent else standing(path)
            if target is None:
                if there is not None or path in self._sent:
                    deleted.append(path)
            elif there != target.entry:
                if target.source is None:
                    raise Unavailable(f"{path!r} was not sent to the lake: its transfer had failed")
                copied.append(target)
        staged = bool(deleted or copied or self._sent)
        if not staged and head == self._base:
            raise NoChanges("nothing in the change differs from the branch")
        self._control.delete(self._draft, deleted)
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(self._copy, copied))
        return Prepared(head, staged, added)

    def _take_over(self, wanted: Mapping[str, _Wanted | None]) -> str:
        """Let lakeFS bring what it can without moving bytes; the commit at which the hidden branch is then.

        Nothing may be staged for that, so a change that also sends objects does without.
        """
        sources = set(self._replaced.values())
        source = sources.pop() if len(sources) == 1 else None
        missing = {
            path
            for path, target in wanted.items()
            if target is not None and target.source == source and self._at_base(path) != target.entry
        }
        if source is None or self._sent or not missing:
            return self._base
        prefixes = list(self._replaced)
        if not go_back(self._control, self._draft, self._base, source, prefixes) and not graft(
            self._control, self._draft, self._branch, source, missing
        ):
            return self._base
        return self._control.branch(self._draft)

    def _standing_at(self, commit: str) -> Callable[[str], Object | None]:
        """What the hidden branch holds after lakeFS took folders over; other paths are as they were."""
        prefixes = tuple(self._replaced)
        items = (item for prefix in prefixes for item in self._control.objects(commit, prefix))
        found = {entry.path: entry for entry in map(read_object, items)}
        return lambda path: found.get(path) if path.startswith(prefixes) else self._at_base(path)

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

    def _source(self, ref: str) -> str:
        return self._resolve(ref)

    def _store_folder(
        self, prefix: str, /, files: Mapping[str, Path], metadata: dict[str, str], *, move: bool
    ) -> tuple[Object, ...]:
        self._list_before(prefix)
        with ThreadPoolExecutor(THREADS) as pool:
            return tuple(pool.map(lambda path: self._store(path, files[path], metadata, move=move), files))

    def _path_lock(self, path: str) -> AbstractContextManager[bool]:
        with self._lock:
            return self._sending.setdefault(path, threading.Lock())
