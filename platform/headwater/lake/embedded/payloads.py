"""Bytes of objects, each kept once under the SHA-256 of its content, read in place.

A payload's modification time never changes, so that (inode, size, modification time) vouch for a digest
that was checked before; its access time is set whenever a change needs it, which the sweep reads.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from headwater.fingerprint import digest_bytes, digest_file
from headwater.lake.embedded.disk import begin_writing
from headwater.lake.errors import Damaged, Gone, InvalidName, LakeError

SMALL_BYTES = 1 << 20
"""Up to this size a source is read into memory once instead of being read twice."""


@dataclass(frozen=True)
class Staged:
    """A source whose digest is known: its bytes in `data`, or in `file`, which is `ours` to rename away."""

    digest: str
    size: int
    data: bytes | None = None
    file: Path | None = None
    ours: bool = False


class Vouched:
    """Remembers which files were found to hold which digest, across processes, in an append-only file.

    Losing a record costs reading a payload again, nothing else; so lines that cannot be read are skipped.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._known: dict[int, tuple[int, int, str]] | None = None
        self._fresh: list[tuple[int, int, int, str]] = []

    def holds(self, found: os.stat_result, digest: str) -> bool:
        """Whether the file with this status was found to hold `digest` and did not change since."""
        with self._lock:
            return self._records().get(found.st_ino) == (found.st_size, found.st_mtime_ns, digest)

    def add(self, found: os.stat_result, digest: str, *, lasting: bool = True) -> None:
        """Remember that the file with this status holds `digest`; `lasting`: others learn it from `save`."""
        with self._lock:
            self._records()[found.st_ino] = (found.st_size, found.st_mtime_ns, digest)
            if lasting:
                self._fresh.append((found.st_ino, found.st_size, found.st_mtime_ns, digest))

    def save(self) -> None:
        """Append what is new. Call it only when the payloads themselves are safely on disk."""
        with self._lock:
            if not self._fresh:
                return
            lines = "".join(_line(*record) for record in self._fresh)
            self._fresh.clear()
            # A full disk must not fail a commit that is already made.
            with suppress(OSError), self._file.open("a", encoding="ascii") as stream:
                stream.write(lines)

    def compact(self, inodes: Collection[int]) -> None:
        """Keep only what is known of these files."""
        with self._lock:
            self._known = None
            kept = [(inode, *record) for inode, record in self._records().items() if inode in inodes]
            draft = self._file.with_suffix(".new")
            draft.write_text("".join(_line(*record) for record in kept), encoding="ascii")
            draft.replace(self._file)
            self._known = None

    def _records(self) -> dict[int, tuple[int, int, str]]:
        if self._known is None:
            self._known = {}
            if self._file.exists():
                for line in self._file.read_text(encoding="ascii", errors="replace").splitlines():
                    fields = line.split(" ")
                    if len(fields) == 4 and len(fields[3]) == 64 and all(map(str.isdecimal, fields[:3])):
                        inode, size, modified_ns = map(int, fields[:3])
                        self._known[inode] = (size, modified_ns, fields[3])
        return self._known


class Payloads:
    """The content-addressed folder below the lake's root."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "objects"
        self.vouched = Vouched(root / "vouched.txt")

    def path(self, digest: str) -> Path:
        """Where the payload is, or would be."""
        return self.folder / f"{digest[:2]}/{digest[2:]}"

    def there(self, digest: str) -> bool:
        """Whether the payload is kept."""
        return self.path(digest).exists()

    def stage(self, source: Path | bytes, temporary: Path, *, move: bool) -> Staged:
        """Take the digest of `source` and bring its bytes near.

        `temporary` is a free name in the lake, which the caller clears up after an exception.
        Raises `InvalidName` for what is no regular file, `OSError` when it cannot be read, and `LakeError`
        when it changes while it is read.
        """
        if isinstance(source, bytes):
            return Staged(digest_bytes(source), len(source), data=source)
        before = source.lstat()
        if not stat.S_ISREG(before.st_mode):
            raise InvalidName(f"{source} is no regular file; the lake holds files only")
        if not move and before.st_size <= SMALL_BYTES:
            data = source.read_bytes()
            return Staged(digest_bytes(data), len(data), data=data)
        digest = digest_file(source)
        if move and before.st_dev == self.folder.stat().st_dev:
            staged = Staged(digest, before.st_size, file=source, ours=True)
        elif not move and self.path(digest).exists():
            staged = Staged(digest, before.st_size, file=source)
        else:
            shutil.copyfile(source, temporary)
            staged = Staged(digest, before.st_size, file=temporary, ours=True)
        after = source.lstat()
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise LakeError(f"{source} changed while it was read into the lake")
        if move and staged.file == temporary:
            source.unlink()
        return staged

    def place(self, staged: Staged, temporary: Path) -> None:
        """Make sure the payload is there and sound; a stored one that rotted is replaced.

        The caller holds the gate and has claimed the digest.
        """
        target = self.path(staged.digest)
        if self._touch(target, staged):
            if staged.ours and staged.file is not None:
                staged.file.unlink()
            return
        if staged.file is None:
            found = write(temporary, staged.data or b"")
        else:
            if staged.ours:
                temporary = staged.file
            else:
                shutil.copyfile(staged.file, temporary)
            found = _seal(temporary)
        move(temporary, target)
        self.vouched.add(found, staged.digest)

    def sound(self, digest: str, path: str) -> Path:
        """The payload, checked against its digest unless it was before. `path` names the object in errors.

        Raises `Gone` when it is missing and `Damaged` when its bytes are wrong.
        """
        target = self.path(digest)
        try:
            found = target.stat()
        except FileNotFoundError:
            raise Gone(f"the bytes of {path!r} (sha256 {digest}) are no longer in the lake") from None
        if not self.check(target, found, digest):
            raise Damaged(
                f"the stored bytes of {path!r} are not those that were committed (sha256 {digest}); "
                "putting the same content again mends it"
            )
        return target

    def restore(self, digest: str) -> None:
        """Make a payload whole that is kept in another form; this class knows none. Raises `Gone`."""
        raise Gone(f"the bytes with the sha256 {digest} are no longer in the lake")

    def check(self, file: Path, found: os.stat_result, digest: str) -> bool:
        """Whether `file`, whose status is `found`, holds `digest`; read only if nobody vouches for it."""
        if self.vouched.holds(found, digest):
            return True
        if digest_file(file) != digest:
            return False
        self.vouched.add(found, digest)
        return True

    def all(self) -> Iterator[tuple[str, os.stat_result]]:
        """Digests and file status of all payloads, in the order of the digests."""
        for folder in sorted(entry for entry in self.folder.iterdir() if entry.is_dir()):
            for file in sorted(folder.iterdir()):
                yield folder.name + file.name, file.stat()

    def remove(self, digest: str) -> int:
        """Delete one payload; returns its bytes on disk. The caller holds the gate alone."""
        return unlink(self.path(digest))

    def _touch(self, target: Path, staged: Staged) -> bool:
        try:
            found = target.stat()
        except FileNotFoundError:
            return False
        if found.st_size != staged.size or not self.check(target, found, staged.digest):
            return False
        _stamp(target, found)
        return True


def write(file: Path, data: bytes) -> os.stat_result:
    """Make a payload's file; returns its status."""
    with file.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fchmod(stream.fileno(), 0o444)
        return os.fstat(stream.fileno())


def _seal(file: Path) -> os.stat_result:
    """Make a file that is there a payload's; returns its status."""
    file.chmod(0o444)
    found = file.stat()
    _stamp(file, found)
    if found.st_size > SMALL_BYTES:
        begin_writing(file)
    return found


def move(file: Path, target: Path) -> None:
    """Rename a file to the place of a payload, whose folder may be missing."""
    try:
        file.replace(target)
    except FileNotFoundError:
        target.parent.mkdir(exist_ok=True)
        file.replace(target)


def unlink(file: Path) -> int:
    """Delete a file if it is there; returns its bytes."""
    try:
        size = file.stat().st_size
    except FileNotFoundError:
        return 0
    file.unlink()
    return size


def _stamp(file: Path, found: os.stat_result) -> None:
    """Note in the access time that the payload is needed now, for the sweep to read."""
    os.utime(file, ns=(time.time_ns(), found.st_mtime_ns))


def _line(inode: int, size: int, modified_ns: int, digest: str) -> str:
    return f"{inode} {size} {modified_ns} {digest}\n"


def link_or_copy(source: Path, target: Path) -> None:
    """A hard link, or a read-only copy where the file system allows the file no further link."""
    try:
        target.hardlink_to(source)
    except OSError as error:
        if error.errno != errno.EMLINK:
            raise
        shutil.copyfile(source, target)
        target.chmod(0o444)
