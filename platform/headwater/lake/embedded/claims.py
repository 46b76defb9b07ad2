"""What changes in progress rely on before any branch refers to it.

Each change keeps one file `changes/<token>`, locked for as long as its process lives, and notes there every
payload and commit it uses. The sweep honours the notes of the living and clears up after the dead.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from headwater.lake.embedded.locks import locked


class Claim:
    """The notes of one change. Safe between threads."""

    def __init__(self, file: Path, descriptor: int, temporary: Path) -> None:
        self._file = file
        self._descriptor = descriptor
        self._temporary = temporary
        self._lock = threading.Lock()
        self._count = 0

    def note(self, kind: str, *values: str) -> None:
        """Claim `payload`s, a `commit` or a `branch` until `release`. Raises `OSError` on a full disk."""
        # The line break comes first, so that a line cut off by a full disk spoils no other.
        lines = "".join(f"\n{kind} {value}" for value in values).encode()
        with self._lock:
            if os.write(self._descriptor, lines) != len(lines):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._file))

    def temporary(self) -> Path:
        """A free file name that is cleared up if this process dies."""
        with self._lock:
            self._count += 1
            return self._temporary / f"{self._file.name}-{self._count}"

    def release(self) -> None:
        """End the claim."""
        self._file.unlink(missing_ok=True)
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        os.close(self._descriptor)


class Claims:
    """All claims of a lake."""

    def __init__(self, root: Path) -> None:
        self._folder = root / "changes"
        self._temporary = root / "tmp"
        self._lock = root / "locks" / "changes.lock"

    def open(self) -> Claim:
        """Begin a claim, and clear up what dead ones left."""
        with locked(self._lock):
            self._bury()
            file = self._folder / secrets.token_hex(8)
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        return Claim(file, descriptor, self._temporary)

    def living(self) -> Iterator[tuple[str, str]]:
        """Everything that changes in progress claim, as (kind, value)."""
        notes: list[str] = []
        with locked(self._lock):
            dead = set(self._dead())
            alive = [file for file in sorted(self._folder.iterdir()) if file not in dead]
        for file in alive:
            # What a change that ends now needed is on its branch already: commits wait at the gate.
            with suppress(FileNotFoundError):
                notes.append(file.read_text())
        for text in notes:
            for line in text.splitlines():
                kind, _, value = line.partition(" ")
                yield kind, value

    def leftovers(self) -> list[Path]:
        """Notes and temporary files of processes that died."""
        with locked(self._lock):
            return self._leftovers()

    def clear(self) -> None:
        """Remove the leftovers."""
        with locked(self._lock):
            self._bury()

    def _bury(self) -> None:
        for file in self._leftovers():
            file.unlink(missing_ok=True)

    def _leftovers(self) -> list[Path]:
        dead = self._dead()
        gone = {file.name for file in dead}
        alive = {file.name for file in self._folder.iterdir()} - gone
        orphans = [
            file for file in sorted(self._temporary.iterdir()) if file.name.partition("-")[0] not in alive
        ]
        return dead + orphans

    def _dead(self) -> list[Path]:
        return [file for file in sorted(self._folder.iterdir()) if not _held(file)]


def _held(file: Path) -> bool:
    try:
        descriptor = os.open(file, os.O_RDWR)
    except FileNotFoundError:
        # Its change ended this very moment.
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
