"""Which commit here is the copy of which commit of another lake.

Records, releases and their metadata name commits of the lake in which they were made. After a move they stay
as they are, and the old ids are looked up in one object on a hidden branch. Each copy carries the id of its
original as well, so the object can be made again from the history; but it also knows copies that no branch
leads to any more.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from headwater.fingerprint import canonical_json, digest_bytes
from headwater.lake.errors import NoChanges, NotFound
from headwater.lake.lakefs.cache import Cache
from headwater.lake.lakefs.control import Control
from headwater.lake.lakefs.data import Data
from headwater.lake.lakefs.metadata import COPIED_FROM, object_headers, read_object

BRANCH = "copied-commits"
PATH = "copied_commits.json"


class Copies:
    """The table, read again when it grew. Safe between threads."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._lock = threading.Lock()
        self._head = ""
        self._table: Mapping[str, str] = {}

    def find(self, control: Control, data: Callable[[], Data], commit: str) -> str | None:
        """The copy of a commit of another lake, if this lake holds one."""
        with self._lock:
            if commit not in self._table:
                self._read(control, data)
            return self._table.get(commit)

    def _read(self, control: Control, data: Callable[[], Data]) -> None:
        with suppress(NotFound):
            head = control.branch(BRANCH)
            if head != self._head:
                entry = read_object(control.stat(head, PATH))
                file = self._cache.file(
                    entry, lambda entry, target: data().receive(head, entry.path, entry.size, target)
                )
                self._table, self._head = json.loads(file.read_bytes()), head


def publish(control: Control, data: Data, table: Mapping[str, str], root: str) -> None:
    """Keep the table; nothing happens when it is kept already. `root` is the first commit of the history."""
    try:
        control.branch(BRANCH)
    except NotFound:
        control.create_branch(BRANCH, root, hidden=True)
    content = canonical_json(dict(table)).encode()
    digest = digest_bytes(content)
    with suppress(NotFound):
        if read_object(control.stat(BRANCH, PATH)).digest == digest:
            return
    data.send(BRANCH, PATH, content, object_headers(digest, {}))
    with suppress(NoChanges):
        control.commit_branch(BRANCH, f"{len(table):,} copied commits", {})


def read_published(control: Control, data: Data) -> dict[str, str]:
    """The table as it is kept; empty where there is none."""
    try:
        head = control.branch(BRANCH)
        size = read_object(control.stat(head, PATH)).size
    except NotFound:
        return {}
    with TemporaryDirectory() as folder:
        file = Path(folder) / PATH
        data.receive(head, PATH, size, file)
        return json.loads(file.read_bytes())


def found_in_history(control: Control) -> dict[str, str]:
    """Original and copy of every commit that any branch (hidden ones too) or tag leads to."""
    branches = {str(item["id"]): str(item["commit_id"]) for item in control.branches(hidden=True)}
    names = sorted(branches, key=lambda name: (name != "main", name))
    tips = [*(branches[name] for name in names), *(str(item["commit_id"]) for item in control.tags())]
    seen: set[str] = set()
    found: dict[str, str] = {}
    for tip in tips:
        if tip in seen:
            continue
        for item in control.log(tip):
            commit = str(item["id"])
            original = (item.get("metadata") or {}).get(COPIED_FROM)
            if commit not in seen and original:
                found.setdefault(str(original), commit)
            seen.add(commit)
    return found
