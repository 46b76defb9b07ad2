"""What the kernel is told about bytes on their way to disk."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path

_WRITE = 2
"""SYNC_FILE_RANGE_WRITE: begin, do not wait."""


def flush(root: Path) -> None:
    """Bring everything written below `root` to disk, with one call for the whole file system.

    One flush for each file would cost about 6 to 20 ms each. Raises `OSError` when the disk refuses.
    """
    if not hasattr(_library(), "syncfs"):
        os.sync()
        return
    descriptor = os.open(root, os.O_RDONLY)
    try:
        if _library().syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(root))
    finally:
        os.close(descriptor)


def begin_writing(file: Path) -> None:
    """Let the disk begin with a file while the processor is busy with the next one.

    Only a hint: what it did or could not do shows when `flush` is called. A system without it does nothing.
    """
    if not hasattr(_library(), "sync_file_range"):
        return
    descriptor = os.open(file, os.O_RDONLY)
    try:
        _library().sync_file_range(descriptor, ctypes.c_int64(0), ctypes.c_int64(0), _WRITE)
    finally:
        os.close(descriptor)


def begin_writing_all(files: Iterable[Path]) -> None:
    """`begin_writing` for each; a file that was renamed meanwhile is on its way already."""
    for file in files:
        with suppress(FileNotFoundError):
            begin_writing(file)


@cache
def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
