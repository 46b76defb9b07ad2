"""The lakeFS store: control through lakeFS's API, bytes through its S3 gateway, downloads in a local cache.

It keeps the embedded store's rules. What differs is said by `sweep` (the server collects payloads, not this)
and in `merging` (one merge base; one moment in which two writers can put an object beside a folder).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote, urlencode

from headwater.lake.checked import CheckedLake
from headwater.lake.embedded.failures import explained
from headwater.lake.erasing import Place, Unlinked
from headwater.lake.errors import (
    Conflict,
    Damaged,
    Gone,
    InvalidName,
    NoChanges,
    NotFound,
)
from headwater.lake.lakefs import copies, erasure, merging, upkeep, verification
from headwater.lake.lakefs.address import Address, Keys, ca_file
from headwater.lake.lakefs.cache import DEFAULT_LIMIT_BYTES, Cache
from headwater.lake.lakefs.change import LakeFSChange
from headwater.lake.lakefs.control import DEFAULT_TIMEOUT, Control
from headwater.lake.lakefs.data import Data
from headwater.lake.lakefs.metadata import read_commit, read_object
from headwater.lake.lakefs.receiving import Receiver
from headwater.lake.lakefs.transaction import read_name, transaction
from headwater.lake.names import (
    check_branch,
    check_path,
    check_prefix,
    check_tag,
    compose,
    looks_like_commit,
)
from headwater.lake.protocol import Commit, Diff, Object, Problem, RefKind, Strategy, Sweep

LOG_THREADS = 8
ID_LENGTH = 64
Client = TypeVar("Client", Control, Data)


class LakeFSLake(CheckedLake):
    """A repository of a lakeFS server as a lake; see `headwater.lake.protocol.Lake`.

    `location` as in `headwater.lake.lakefs.address`, `cache` a folder for downloads, bounded by
    `cache_bytes`; `timeout` in seconds, to connect and to answer. Keys are read from the environment when
    they are first needed, in each process. Instances may be shared by threads, forked and pickled. Nothing
    is asked of the server before the first use.
    """

    def __init__(
        self,
        location: str,
        cache: Path,
        *,
        cache_bytes: int = DEFAULT_LIMIT_BYTES,
        timeout: tuple[float, float] = DEFAULT_TIMEOUT,
    ) -> None:
        self.address = Address.parse(location)
        if cache_bytes <= 0:
            raise ValueError(f"cache_bytes: expected a positive number, got {cache_bytes}")
        self._folder = cache.absolute()
        self._cache_bytes = cache_bytes
        self._timeout = timeout
        with explained(self._folder):
            self._cache = Cache(self._folder, cache_bytes)
        self._lock = threading.Lock()
        self._controls: dict[int, Control] = {}
        self._datas: dict[int, Data] = {}
        self._known: set[str] = set()
        self._copies = copies.Copies(self._cache)

    def __reduce__(self) -> tuple[object, ...]:
        return _reopen, (str(self.address), self._folder, self._cache_bytes, self._timeout)

    def __repr__(self) -> str:
        return f"LakeFSLake({str(self.address)!r})"

    def resolve(self, ref: str) -> str:
        control = self._control
        if looks_like_commit(ref):
            return self._resolve_commit(control, ref)
        with suppress(InvalidName, NotFound):
            return control.branch(check_branch(ref))
        with suppress(InvalidName, NotFound):
            return control.tag(check_tag(ref))
        raise NotFound(f"there is no branch, tag or commit {ref!r} in {self.address}, or no such repository")

    def _resolve_commit(self, control: Control, ref: str) -> str:
        if ref in self._known:
            return ref
        # lakeFS also takes the beginning of an id, and its own are longer than those of the embedded store.
        if len(ref) == ID_LENGTH:
            with suppress(NotFound):
                if str(control.commit(ref)["id"]) == ref:
                    self._known.add(ref)
                    return ref
        copied = self._copies.find(control, lambda: self._data, ref)
        if copied is None:
            raise NotFound(f"there is no commit {ref!r}")
        return copied

    def receiver(self) -> Receiver:
        """What makes commits of another lake here; see `headwater.lake.copying`."""
        return Receiver(self._control, self._data, str(self.address))

    def link(self, commit: str) -> str:
        """The commit's page in lakeFS's web interface."""
        return f"{self._pages}/commits/{quote(self.resolve(commit))}"

    def branch_link(self, branch: str) -> str:
        """The page with the objects of a branch."""
        return f"{self._pages}/objects?{urlencode({'ref': branch})}"

    def diff_link(self, left: str, right: str) -> str:
        """The page that compares two refs."""
        return f"{self._pages}/compare?{urlencode({'ref': left, 'compare': right})}"

    def refs(self, kind: RefKind, prefix: str = "") -> dict[str, str]:
        found = self._control.branches(prefix) if kind == "branch" else self._control.tags(prefix)
        names = {str(item["id"]): str(item["commit_id"]) for item in found}
        # Servers older than hidden branches show those of changes in progress.
        return {name: names[name] for name in sorted(names) if kind == "tag" or not _is_hidden(name)}

    def _name_commit(self, kind: RefKind, name: str, ref: str) -> str:
        commit = self.resolve(ref)
        create = self._control.create_branch if kind == "branch" else self._control.create_tag
        create(name, commit)
        return commit

    def _delete_branch(self, name: str) -> None:
        self._control.delete_branch(name)

    @contextmanager
    def _change(self, branch: str, message: str, metadata: Mapping[str, str]) -> Generator[LakeFSChange]:
        control, base = self._control, self._head(branch)
        with transaction(control, branch, base) as draft:
            change = LakeFSChange(control, self._data, branch, draft, base, self.resolve)
            try:
                yield change
            finally:
                change.close()
            finished = change.finish()
            prepared = finished.head
            if finished.staged:
                prepared = merging.commit_now(control, draft, message, metadata)
            if clashing := merging.clashes(control, prepared, finished.added):
                raise InvalidName(f"{clashing[0]!r} cannot be an object and a folder at once")
            made = merging.merge(control, prepared, branch, message, metadata, squash=True)
            change.commit = read_commit(control.commit(made))

    def _merge(
        self, source: str, into: str, message: str, metadata: Mapping[str, str], strategy: Strategy | None
    ) -> str:
        self._head(into)
        return merging.merge(self._control, self.resolve(source), into, message, metadata, strategy=strategy)

    def _revert(self, branch: str, ref: str, metadata: Mapping[str, str]) -> str:
        control, head, undone = self._control, self._head(branch), self.resolve(ref)
        described = read_commit(control.commit(undone))
        if not described.parents:
            raise NoChanges(f"{ref!r} is the first commit: there is nothing to undo")
        message = f"Revert {undone}: {described.message.partition(chr(10))[0]}"
        with transaction(control, branch, head) as draft:
            try:
                control.revert(draft, undone)
            except Conflict:
                raise Conflict(merging.differing(control, described.parents[0], undone, head)) from None
            prepared = control.branch(draft)
            differences = list(control.diff(head, prepared))
            if not differences:
                raise NoChanges(f"{branch!r} holds nothing of {ref!r} that could be undone")
            added = {str(item["path"]) for item in differences if item["type"] == "added"}
            if clashing := merging.clashes(control, prepared, added):
                raise Conflict(clashing)
            return merging.merge(control, prepared, branch, message, metadata, squash=True)

    def log(self, ref: str, *, prefix: str = "", limit: int | None = None) -> Iterator[Commit]:
        return self._log(self.resolve(ref), compose(prefix), limit)

    def _log(self, start: str, prefix: str, limit: int | None) -> Iterator[Commit]:
        if not prefix:
            yield from map(read_commit, self._control.log(start, amount=limit))
            return
        # lakeFS's own filter leaves merges out.
        commits = map(read_commit, self._control.log(start))
        with ThreadPoolExecutor(LOG_THREADS) as pool:
            found = 0
            while batch := list(islice(commits, LOG_THREADS)):
                for commit, touched in zip(
                    batch, pool.map(lambda c: self._touches(c, prefix), batch), strict=True
                ):
                    if limit is not None and found >= limit:
                        return
                    if touched:
                        found += 1
                        yield commit

    def _touches(self, commit: Commit, prefix: str) -> bool:
        if not commit.parents:
            return any(self._control.objects(commit.id, prefix, amount=1))
        return any(self._control.diff(commit.parents[0], commit.id, prefix=prefix, amount=1))

    def diff(self, left: str, right: str, prefix: str = "") -> Iterator[Diff]:
        changes = self._control.diff(self.resolve(left), self.resolve(right), prefix=compose(prefix))
        return (_difference(str(item["path"]), str(item["type"])) for item in changes)

    def list(
        self, ref: str, prefix: str = "", *, after: str = "", limit: int | None = None
    ) -> Iterator[Object]:
        items = self._control.objects(self.resolve(ref), compose(prefix), after=compose(after))
        # Other tools mark folders with empty objects whose path ends in a slash.
        return islice((read_object(item) for item in items if not str(item["path"]).endswith("/")), limit)

    def stat(self, ref: str, path: str) -> Object:
        path = check_path(path)
        commit = self.resolve(ref)
        try:
            return read_object(self._control.stat(commit, path))
        except Gone:
            raise
        except NotFound:
            raise NotFound(f"there is no object {path!r} at {ref!r}") from None

    def fetch(self, ref: str, path: str) -> Path:
        with explained(self._folder):
            return (
                self._fetch_folder(ref, check_prefix(path)) if path.endswith("/") else self._fetch(ref, path)
            )

    def _fetch(self, ref: str, path: str) -> Path:
        commit = self.resolve(ref)
        entry = self.stat(commit, path)
        return self._cache.file(
            entry, lambda entry, target: self._data.receive(commit, entry.path, entry.size, target)
        )

    def sweep(self, *, older_than: timedelta, dry_run: bool = True) -> Sweep:
        return upkeep.sweep(
            self._control, self._cache, self._folder, self.address, older_than=older_than, dry_run=dry_run
        )

    def unlink(self, places: Mapping[str, Place]) -> Unlinked:
        """See `headwater.lake.erasing.Unlinking`."""
        return erasure.unlink(self, self._data, self._cache, self.address, places)

    def verify(self, *, deep: bool = False) -> Iterator[Problem]:
        return verification.verify(self._control, self._data, deep=deep)

    def _fetch_folder(self, ref: str, prefix: str) -> Path:
        commit = self.resolve(ref)
        entries: list[Object] = []
        for entry in self.list(commit, prefix):
            _check_foreign(entry.path)
            entries.append(replace(entry, path=entry.path.removeprefix(prefix)))
        if not entries:
            raise NotFound(f"there is no folder {prefix!r} at {ref!r}")
        return self._cache.folder(
            entries,
            lambda entry, target: self._data.receive(commit, prefix + entry.path, entry.size, target),
        )

    def _head(self, branch: str) -> str:
        try:
            return self._control.branch(check_branch(branch))
        except (InvalidName, NotFound):
            raise NotFound(
                f"there is no branch {branch!r} in {self.address}, or no such repository"
            ) from None

    @property
    def _pages(self) -> str:
        return f"{self.address.endpoint}/repositories/{self.address.repository}"

    @property
    def _control(self) -> Control:
        return self._mine(
            self._controls, lambda: Control(self.address, Keys.from_environment(), ca_file(), self._timeout)
        )

    @property
    def _data(self) -> Data:
        return self._mine(self._datas, lambda: Data(self.address, Keys.from_environment(), ca_file()))

    def _mine(self, clients: dict[int, Client], make: Callable[[], Client]) -> Client:
        """This process's own client: a fork must not share its parent's connections."""
        with self._lock:
            if os.getpid() not in clients:
                clients[os.getpid()] = make()
            return clients[os.getpid()]


def _is_hidden(branch: str) -> bool:
    return branch == copies.BRANCH or read_name(branch) is not None


def _difference(path: str, kind: str) -> Diff:
    # A kind that is newer than this program still says that the object is not the same.
    return Diff(path, kind if kind in ("added", "removed") else "changed")


def _check_foreign(path: str) -> None:
    try:
        check_path(path)
    except InvalidName as error:
        raise Damaged(
            f"an object was put there by other means whose name no folder can hold: {error}"
        ) from None


def _reopen(location: str, cache: Path, cache_bytes: int, timeout: tuple[float, float]) -> LakeFSLake:
    return LakeFSLake(location, cache, cache_bytes=cache_bytes, timeout=timeout)
