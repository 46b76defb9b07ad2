"""Files of a folder."""

from __future__ import annotations

import errno
import os
import re
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

from pydantic import Field

from headwater.sources.base import ListingFailed, Refused, SourceSettings
from headwater.sources.patterns import Patterns

DEFAULT_MAX_FILE_BYTES = 4 << 30
SETTLED_NANOSECONDS = 100_000_000
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True)
class LocalFile:
    """A file of this machine that a source offers."""

    path: str
    location: Path
    size: int
    token: str
    changed_ns: int = 0

    def open(self) -> BinaryIO:
        """A stream of the bytes; a pipe or device that took the file's place is an `OSError`, not a wait."""
        descriptor = os.open(self.location, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(f"{self.path} is no longer a regular file")
        return os.fdopen(descriptor, "rb")

    def current_token(self) -> str:
        """The change token as of now."""
        return change_token(self.location.stat())


def settled_token(status: os.stat_result) -> str:
    """The change token, or nothing for a file changed within the last tenth of a second.

    File systems stamp writes with a clock of some milliseconds: a write that follows at once could leave the
    same token (the problem that Git calls racy).
    """
    youth = time.time_ns() - status.st_ctime_ns
    return change_token(status) if youth > SETTLED_NANOSECONDS else ""


def change_token(status: os.stat_result) -> str:
    """Size, both times in nanoseconds and inode: no write and no replacement leaves all of them as they were.

    The change time is there because the modification time can be set back by a program.
    """
    return f"{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}:{status.st_ino}"


class Folder(SourceSettings):
    """The files below a folder whose path matches `include` and not `exclude`.

    Patterns are those of `.gitignore` (see `Patterns`); an excluded folder is not entered. Links to folders
    are not followed; links to files are, if their target stands below the same folder.
    """

    kind: Literal["folder"] = "folder"
    path: Path
    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = (".*", "__pycache__", "*~")
    max_file_bytes: Annotated[int, Field(gt=0)] = DEFAULT_MAX_FILE_BYTES

    def list(self) -> Iterator[LocalFile | Refused]:
        """All files in the order of their paths. Raises `ListingFailed` when the folder cannot be read."""
        root = self.path.expanduser()
        if not root.is_dir():
            raise ListingFailed(
                f"source {self.name!r}: {root} is not a folder; create it or set `path` to one that exists"
            )
        yield from walk(
            root,
            self.name,
            include=Patterns(self.include),
            exclude=Patterns(self.exclude),
            max_file_bytes=self.max_file_bytes,
        )


def walk(
    root: Path,
    source: str,
    *,
    include: Patterns,
    exclude: Patterns,
    prefix: str = "",
    max_file_bytes: int = DEFAULT_MAX_FILE_BYTES,
) -> Iterator[LocalFile | Refused]:
    """Files below `root`, in the order of their paths' parts; `prefix` stands before each path.

    Raises `ListingFailed` when `root` itself cannot be listed; an unreadable folder further down is refused.
    """
    try:
        boundary = root.resolve(strict=True)
        entries = _sorted_entries(root)
    except OSError as error:
        raise ListingFailed(f"source {source!r}: cannot list {root}: {error.strerror}") from error
    # An explicit stack: a tree deeper than Python's recursion limit is no reason to stop.
    stack = [(prefix, iter(entries))]
    while stack:
        parent, pending = stack[-1]
        entry = next(pending, None)
        if entry is None:
            stack.pop()
            continue
        path = parent + entry.name
        if exclude.match(path):
            continue
        if entry.is_dir(follow_symlinks=False):
            try:
                stack.append((path + "/", iter(_sorted_entries(Path(entry.path)))))
            except OSError as error:
                yield Refused(path, "unreadable", error.strerror or "cannot be listed")
        elif include.match_any_parent(path):
            yield _offer(entry, path, boundary, max_file_bytes)


def _sorted_entries(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def _offer(entry: os.DirEntry[str], path: str, boundary: Path, max_file_bytes: int) -> LocalFile | Refused:
    if _CONTROL.search(path):
        return Refused(path, "control_character_in_name", "the name holds a line break or control character")
    if any("\ud800" <= character <= "\udfff" for character in path):
        return Refused(path, "name_not_utf8", "the name is not valid UTF-8")
    location = Path(entry.path)
    try:
        if entry.is_symlink():
            location = location.resolve(strict=True)
            if location.is_dir():
                return Refused(path, "folder_symlink", "links to folders are not followed")
            if not location.is_relative_to(boundary):
                return Refused(path, "symlink_outside", "the link leads out of the source's folder")
        status = location.stat()
    except RuntimeError:
        # What pathlib raises before Python 3.13 for a chain of links that comes back to itself.
        return Refused(path, "symlink_loop", "the link leads back to itself")
    except OSError as error:
        return Refused(path, _why(entry, error), error.strerror or "cannot be read")
    if not stat.S_ISREG(status.st_mode):
        return Refused(path, "not_a_file", "a pipe, socket or device")
    if status.st_size > max_file_bytes:
        return Refused(path, "too_large", f"{status.st_size:,} bytes; limit {max_file_bytes:,}")
    changed = max(status.st_mtime_ns, status.st_ctime_ns)
    return LocalFile(path, location, status.st_size, settled_token(status), changed)


def _why(entry: os.DirEntry[str], error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return "symlink_loop"
    if entry.is_symlink() and isinstance(error, FileNotFoundError):
        return "broken_symlink"
    return "unreadable"
