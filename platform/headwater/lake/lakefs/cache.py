"""Downloaded objects on this machine: each content once, shared by versions, repositories and processes.

Laid out like the embedded lake's payloads and views, and made of the same parts. What was not asked for
longest goes when there is more than the limit; what was asked for within the last day stays whatever the
limit, because a step may still be reading it.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from headwater.fingerprint import digest_json, digest_text
from headwater.lake.embedded.locks import Gate
from headwater.lake.embedded.payloads import Payloads
from headwater.lake.embedded.views import Views
from headwater.lake.errors import Busy, Damaged
from headwater.lake.lakefs.metadata import FOREIGN
from headwater.lake.protocol import Object

DEFAULT_LIMIT_BYTES = 50 << 30
KEPT_SECONDS = 24 * 3600
GATE_SECONDS = 10.0
THREADS = 8
_NANOSECONDS = 1_000_000_000

Download = Callable[[Object, Path], str]
"""Writes an object's bytes to the path and returns their SHA-256."""


class Cache:
    """A folder of downloads. Safe between threads and processes."""

    def __init__(self, root: Path, limit_bytes: int) -> None:
        self._root = root
        self._limit = limit_bytes
        for name in ("objects", "views", "locks", "tmp", "foreign"):
            (root / name).mkdir(parents=True, exist_ok=True)
        self._gate = Gate(root / "locks")
        self._payloads = Payloads(root)
        self._views = Views(root, self._payloads, self._gate)
        self._lock = threading.Lock()
        self._used: int | None = None

    def file(self, entry: Object, download: Download) -> Path:
        """A read-only file with the object's bytes. Raises `Damaged` when they are not those committed."""
        digest = self._present(entry) or self._add(entry, download)
        self._payloads.vouched.save()
        return self._payloads.path(digest)

    def folder(self, entries: Iterable[Object], download: Download) -> Path:
        """A folder of such files; the paths of `entries` are relative to it."""
        listed = list(entries)
        with ThreadPoolExecutor(THREADS) as pool:
            digests = list(pool.map(lambda entry: self._present(entry) or self._add(entry, download), listed))
        known = [replace(entry, digest=digest) for entry, digest in zip(listed, digests, strict=True)]
        key = digest_json([[entry.path, entry.digest] for entry in known])
        found = self._views.find(key) or self._views.make(key, known)
        self._payloads.vouched.save()
        return found

    def forget(self, digests: Collection[str]) -> int:
        """Delete downloads, and folders made of them; how many downloads there were. Raises `Busy`."""
        with self._gate.alone(GATE_SECONDS):
            for key in self._views.holding(digests):
                self._views.remove(key)
            held = [digest for digest in sorted(digests) if self._payloads.path(digest).exists()]
            for digest in held:
                self._payloads.remove(digest)
        return len(held)

    def sweep(self, *, older_than: timedelta, dry_run: bool) -> tuple[int, int]:
        """Remove folders that nobody asked for since then; (folders, leftovers). Raises `Busy`."""
        limit = time.time_ns() - int(older_than.total_seconds() * _NANOSECONDS)
        with self._gate.alone(GATE_SECONDS):
            idle = [key for key in self._views.all() if self._used_at(self._views.folder / key) < limit]
            leftovers = [*self._views.leftovers(), *self._stale_downloads(limit)]
            if not dry_run:
                for key in idle:
                    self._views.remove(key)
                self._views.clear()
                for path in self._stale_downloads(limit):
                    path.unlink(missing_ok=True)
        return len(idle), len(leftovers)

    def _present(self, entry: Object) -> str | None:
        digest = entry.digest
        if digest.startswith(FOREIGN):
            try:
                digest = self._foreign(entry).read_text(encoding="ascii")
            except FileNotFoundError:
                return None
        target = self._payloads.path(digest)
        with suppress(FileNotFoundError):
            found = target.stat()
            if self._payloads.check(target, found, digest):
                os.utime(target, ns=(time.time_ns(), found.st_mtime_ns))
                return digest
        return None

    def _add(self, entry: Object, download: Download) -> str:
        temporary = self._root / "tmp" / secrets.token_hex(8)
        try:
            digest = download(entry, temporary)
            size = temporary.stat().st_size
            expected = digest if entry.digest.startswith(FOREIGN) else entry.digest
            if (size, digest) != (entry.size, expected):
                raise Damaged(
                    f"the bytes of {entry.path!r} are not those that were committed "
                    f"({size} bytes with sha256 {digest} instead of {entry.size} with {expected}); "
                    "putting the same content again on a branch mends it there"
                )
            temporary.chmod(0o444)
            target = self._payloads.path(digest)
            with self._gate.shared():
                target.parent.mkdir(exist_ok=True)
                temporary.replace(target)
                self._payloads.vouched.add(target.stat(), digest)
                if entry.digest.startswith(FOREIGN):
                    self._foreign(entry).write_text(digest, encoding="ascii")
        finally:
            temporary.unlink(missing_ok=True)
        self._account(size)
        return digest

    def _foreign(self, entry: Object) -> Path:
        return self._root / "foreign" / digest_text(f"{entry.size} {entry.digest}")

    def _account(self, size: int) -> None:
        with self._lock:
            if self._used is None:
                self._used = sum(found.st_size for _, found in self._payloads.all())
            else:
                self._used += size
            if self._used <= self._limit:
                return
            # Another process that works here right now makes room just as well.
            with suppress(Busy), self._gate.alone(0):
                self._used = self._trim()

    def _trim(self) -> int:
        limit = time.time_ns() - KEPT_SECONDS * _NANOSECONDS
        for key in self._views.all():
            if self._used_at(self._views.folder / key) < limit:
                self._views.remove(key)
        used = sum(found.st_size for _, found in self._payloads.all())
        aged = sorted(
            (max(found.st_atime_ns, found.st_mtime_ns), digest) for digest, found in self._payloads.all()
        )
        for last_use, digest in aged:
            if used <= self._limit or last_use >= limit:
                break
            found = self._payloads.path(digest).stat()
            # A folder that stays links to it: nothing would be freed.
            if found.st_nlink == 1:
                self._payloads.remove(digest)
                used -= found.st_size
        return used

    def _stale_downloads(self, limit: int) -> Iterator[Path]:
        old = min(limit, time.time_ns() - KEPT_SECONDS * _NANOSECONDS)
        for path in sorted((self._root / "tmp").iterdir()):
            if self._used_at(path) < old:
                yield path

    def _used_at(self, path: Path) -> int:
        with suppress(FileNotFoundError):
            return path.stat().st_mtime_ns
        return time.time_ns()
