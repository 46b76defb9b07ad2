"""Git's objects as files, checked without libgit2.

Found by trying libgit2 1.9.7: it never returns from reading an object whose compressed bytes end too early;
writing an object that is there already leaves the file as it is, though after a power cut files that were not
flushed yet can be short or empty; and on a full disk it reports a commit as written that is not. So what is
written is checked, and so is everything before history is walked.
"""

from __future__ import annotations

import errno
import hashlib
import os
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pygit2


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
    stream = zlib.decompressobj()
    try:
        content = stream.decompress(file.read_bytes())
    except zlib.error:
        return False
    # Git names its objects by SHA-1; that is no choice of ours.
    return stream.eof and hashlib.sha1(content, usedforsecurity=False).hexdigest() == oid
