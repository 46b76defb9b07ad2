"""What callers hand to a lake, checked the same way by every store before anything is stored."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from headwater.lake.errors import InvalidName


def check_message(message: str) -> str:
    """Return `message`. Raises `ValueError` for what a commit cannot hold."""
    if "\0" in message:
        raise ValueError("message: expected text without NUL characters")
    return message


def check_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    """A copy of `metadata`. Raises `ValueError` unless all keys and values are text."""
    for key, value in metadata.items():
        # Callers without a type checker pass numbers, which would come back as something else.
        if not (isinstance(key, str) and isinstance(value, str)):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ValueError(f"metadata {key!r}: expected text for key and value, got {value!r}")
        try:
            (key + value).encode()
        except UnicodeEncodeError:
            raise ValueError(f"metadata {key!r}: holds a lone surrogate, which is not text") from None
    return dict(metadata)


def files_below(folder: Path) -> Iterator[tuple[str, Path]]:
    """Files below `folder` with their paths relative to it. Raises `InvalidName` for anything else."""
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is no folder")
    yield from _files(str(folder), "")


def _files(folder: str, relative: str) -> Iterator[tuple[str, Path]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _files(entry.path, f"{relative}{entry.name}/")
            elif entry.is_file(follow_symlinks=False):
                yield relative + entry.name, Path(entry.path)
            elif entry.is_symlink():
                raise InvalidName(f"{entry.path} is a symbolic link; the lake holds files only")
            else:
                raise InvalidName(f"{entry.path} is no regular file; the lake holds files only")
