"""A writer's claim on its segments: held as long as its process lives, and how much it was given.

The claim is a file that its writer keeps locked. The kernel lets go of the lock with the process, however it
ends, so another process can tell a dead writer's segments from a live one's.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_NUMBER = struct.Struct("<Q")
_SUFFIX = ".lock"


@dataclass
class Claim:
    """One writer. `accepted` and `written` are the numbers of the last record it was given and wrote."""

    writer: str
    path: Path
    descriptor: int

    @classmethod
    def new(cls, folder: Path) -> Self:
        """Claim a new name. Raises `OSError`."""
        writer = secrets.token_hex(4)
        path = folder / f"{writer}{_SUFFIX}"
        draft = path.with_suffix(".new")
        descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.write(descriptor, bytes(2 * _NUMBER.size))
            # It is locked before anybody can find it.
            draft.rename(path)
        except OSError:
            draft.unlink(missing_ok=True)
            os.close(descriptor)
            raise
        return cls(writer, path, descriptor)

    @property
    def accepted(self) -> int:
        """Number of the last record that the writer was given."""
        return self._read(0)

    @property
    def written(self) -> int:
        """Number of the last record that it wrote, or noted as lost."""
        return self._read(1)

    def accept(self, number: int) -> None:
        """Note a record that was given: eight bytes, which outlive the process but wait for no disk."""
        os.pwrite(self.descriptor, _NUMBER.pack(number), 0)

    def wrote(self, number: int) -> None:
        """Note a record that was written."""
        os.pwrite(self.descriptor, _NUMBER.pack(number), _NUMBER.size)

    def release(self, *, settled: bool) -> None:
        """Let go. What is not `settled` is left for another process to find."""
        if settled:
            self.path.unlink(missing_ok=True)
        os.close(self.descriptor)

    def _read(self, index: int) -> int:
        data = os.pread(self.descriptor, _NUMBER.size, index * _NUMBER.size)
        return int(_NUMBER.unpack(data)[0]) if len(data) == _NUMBER.size else 0


def of_dead_writers(folder: Path) -> Iterator[Claim]:
    """Claims that nobody holds any more, each held by the caller until it releases it."""
    for path in sorted(folder.glob(f"*{_SUFFIX}")):
        try:
            descriptor = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            continue
        if not path.exists():
            # Another process was quicker and has settled it.
            os.close(descriptor)
            continue
        yield Claim(path.stem, path, descriptor)
