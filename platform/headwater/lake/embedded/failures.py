"""Turns what disk and libgit2 say into the errors of the lake."""

from __future__ import annotations

import errno
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pygit2

from headwater.lake.errors import Damaged, Denied, Unavailable

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_PERMISSION = {errno.EACCES, errno.EPERM, errno.EROFS}
# libgit2 passes the system's words on, not its number.
_NO_ROOM_WORDS = ("No space left", "quota exceeded", "File too large")
_NO_PERMISSION_WORDS = ("Permission denied", "Read-only file system", "not owned by current user")


@contextmanager
def explained(root: Path) -> Generator[None]:
    """Raise `Unavailable` for a full disk, `Denied` for missing permission below `root`, `Damaged` for a
    repository that cannot be read. Other errors, such as a source file that is missing, pass unchanged."""
    try:
        yield
    except (OSError, pygit2.GitError) as error:
        number = error.errno if isinstance(error, OSError) else None
        text = str(error)
        if number in _NO_ROOM or any(words in text for words in _NO_ROOM_WORDS):
            raise Unavailable(
                f"no room left for the lake ({text}); what was published is intact: "
                "free space or sweep the lake, then try again"
            ) from error
        if (number in _NO_PERMISSION and _concerns(error, root)) or any(
            words in text for words in _NO_PERMISSION_WORDS if number is None
        ):
            raise Denied(f"no permission to write to the lake: {text}") from error
        if isinstance(error, pygit2.GitError):
            raise Damaged(f"the lake's repository cannot be used: {text}; verify the lake") from error
        raise


def _concerns(error: OSError | pygit2.GitError, root: Path) -> bool:
    name = error.filename if isinstance(error, OSError) else None
    return isinstance(name, str) and Path(name).is_relative_to(root)
