"""Locks between processes and threads that the kernel releases when their holder dies."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from headwater.lake.errors import Busy

PATIENCE_SECONDS = 60.0
_FIRST_PAUSE_SECONDS = 0.0005
_LONGEST_PAUSE_SECONDS = 0.02


@contextmanager
def locked(path: Path, *, shared: bool = False, timeout: float = PATIENCE_SECONDS) -> Generator[None]:
    """Hold the lock file `path` (made when missing), alone or together with others that share it.

    Not reentrant. Raises `Busy` when it could not be had within `timeout` seconds; 0 tries once.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _acquire(descriptor, path, fcntl.LOCK_SH if shared else fcntl.LOCK_EX, timeout)
        try:
            yield
        finally:
            # Closing is not enough: a process forked meanwhile holds the same open file.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: Path, mode: int, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise Busy(
                    f"another writer held {path.stem!r} of the lake for {timeout:g} s; try again"
                ) from None
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


class Gate:
    """Keeps the sweep out while references are made, and references out while the sweep removes.

    Everything that writes to the repository or relies on a payload being there passes `shared`; the sweep
    passes `alone`. Holders of `shared` must not pass the gate again: a waiting sweep lets nobody in.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._gate = folder / "gate.lock"
        self._turn = folder / "turn.lock"

    @contextmanager
    def shared(self) -> Generator[None]:
        """Pass together with others."""
        with ExitStack() as held:
            with locked(self._turn, shared=True):
                held.enter_context(locked(self._gate, shared=True))
            yield

    @contextmanager
    def alone(self, timeout: float) -> Generator[None]:
        """Pass when everybody left, and keep newcomers waiting until then. Raises `Busy`."""
        with locked(self._turn, timeout=timeout), locked(self._gate, timeout=timeout):
            yield
