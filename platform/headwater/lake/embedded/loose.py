"""Git's objects as files, checked without libgit2.

Found by trying libgit2 1.9.7: it never returns from reading an object whose compressed bytes end too early;
writing an object that is there already leaves the file as it is, though after a power cut files that were not
flushed yet can be short or empty; and on a full disk it reports a commit as written that is not. So what is
written is checked, and what is read is read here, or checked here before libgit2 reads it.
"""

from __future__ import annotations

import errno
import hashlib
import os
import zlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

import pygit2

from headwater.lake.errors import Damaged


def write(repository: pygit2.Repository, store: Callable[[], pygit2.Oid]) -> pygit2.Oid:
    """Let `store` write one object; if a broken file of that name was in its way, remove it and repeat.

    Raises `OSError` when the object is not there afterwards.
    """
    oid = store()
    if not _stored(repository, oid):
        _file(repository, oid).unlink(missing_ok=True)
        oid = store()
        if not _stored(repository, oid):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(_file(repository, oid)))
    return oid


def blob(repository: pygit2.Repository, data: bytes) -> pygit2.Oid:
    """Write a blob, as `write` does; checks only a file that was there before."""
    file = _file(repository, pygit2.hash(data))
    if file.exists() and not _sound(file, file.parent.name + file.name):
        file.unlink()
    return repository.create_blob(data)


def read(repository: pygit2.Repository, oid: pygit2.Oid) -> bytes:
    """The content of an object. Raises `Damaged` when its file is broken or there is no such object."""
    name = str(oid)
    content = _stored_content(repository.path, name)
    if content is not None:
        return content[content.index(b"\0") + 1 :]
    try:
        return repository.read(oid)[1]
    except (KeyError, pygit2.GitError) as error:
        raise Damaged(f"the object {name} of the lake's repository cannot be read: {error}") from error


def check(repository: pygit2.Repository, oid: pygit2.Oid) -> None:
    """Raise `Damaged` when the file of an object is broken, which this process looks at once as it is.

    An object without a file of its own, in a pack or missing, is left to libgit2.
    """
    name, folder = str(oid), repository.path
    try:
        found = os.stat(f"{folder}objects/{name[:2]}/{name[2:]}")  # noqa: PTH116 -- Path is slower
    except FileNotFoundError:
        return
    _check_once(folder, name, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=1 << 17)
def _check_once(repository: str, oid: str, _size: int, _modified_ns: int) -> None:
    _stored_content(repository, oid)


def broken(repository: Path) -> Iterator[pygit2.Oid]:
    """Objects whose file cannot be read, in the order of their ids; those in packs are not looked at."""
    for folder in sorted((repository / "objects").glob("[0-9a-f][0-9a-f]")):
        for file in sorted(folder.iterdir()):
            oid = folder.name + file.name
            if len(oid) == 40 and not _sound(file, oid):
                yield pygit2.Oid(hex=oid)


def _stored(repository: pygit2.Repository, oid: pygit2.Oid) -> bool:
    file = _file(repository, oid)
    return _sound(file, str(oid)) if file.exists() else oid in repository


def _file(repository: pygit2.Repository, oid: pygit2.Oid) -> Path:
    name = str(oid)
    return Path(f"{repository.path}/objects/{name[:2]}/{name[2:]}")


def _sound(file: Path, oid: str) -> bool:
    return _content(file.read_bytes(), oid) is not None


def _stored_content(repository: str, oid: str) -> bytes | None:
    """What the file of an object holds, with its header, or `None` where there is none. Raises `Damaged`."""
    try:
        with open(f"{repository}objects/{oid[:2]}/{oid[2:]}", "rb") as file:  # noqa: PTH123 -- Path is slower
            content = _content(file.read(), oid)
    except FileNotFoundError:
        return None
    if content is None:
        raise Damaged(f"the file of the object {oid} of the lake's repository is broken")
    return content


def _content(stored: bytes, oid: str) -> bytes | None:
    """What a file holds, with its header; `None` when that is not the object."""
    stream = zlib.decompressobj()
    try:
        content = stream.decompress(stored)
    except zlib.error:
        return None
    # Git names its objects by SHA-1; that is no choice of ours.
    sound = stream.eof and hashlib.sha1(content, usedforsecurity=False).hexdigest() == oid
    return content if sound else None
