"""One change in progress: payloads go to the lake at once, the new tree only exists at the end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pygit2

from headwater.lake.embedded import loose, trees
from headwater.lake.embedded.claims import Claim
from headwater.lake.embedded.failures import explained
from headwater.lake.embedded.locks import Gate
from headwater.lake.embedded.payloads import Payloads
from headwater.lake.embedded.pointers import dump
from headwater.lake.inputs import check_metadata, files_below
from headwater.lake.names import check_path, check_prefix
from headwater.lake.protocol import Commit, Object


class EmbeddedChange:
    """Collects edits; see `headwater.lake.protocol.Change`.

    What was said last about a path or a folder holds. `adopt` and `put_folder` drop what was said before
    about anything below their prefix.
    """

    def __init__(
        self,
        root: Path,
        gate: Gate,
        payloads: Payloads,
        claim: Claim,
        kept_tree: Callable[[str, Claim], pygit2.Oid],
    ) -> None:
        self.commit: Commit | None = None
        self._root = root
        self._gate = gate
        self._payloads = payloads
        self._claim = claim
        self._kept_tree = kept_tree
        self._lock = threading.Lock()
        self._open = True
        self._edits: dict[str, Object | None] = {}
        self._replaced: dict[str, tuple[pygit2.Oid | None, str]] = {}

    def put(
        self,
        path: str,
        source: Path | bytes,
        metadata: Mapping[str, str] = {},
        *,
        move: bool = False,
    ) -> Object:
        self._check_open()
        path = check_path(path)
        entry = self._store(path, source, check_metadata(metadata), move=move)
        with self._lock:
            self._edits[path] = entry
        return entry

    def put_folder(
        self, prefix: str, folder: Path, *, move: bool = False, metadata: Mapping[str, str] = {}
    ) -> tuple[Object, ...]:
        self._check_open()
        prefix = check_prefix(prefix)
        checked = check_metadata(metadata)
        files = {check_path(prefix + relative): file for relative, file in files_below(folder)}
        stored = [self._store(path, files[path], checked, move=move) for path in sorted(files)]
        with self._lock:
            self._replace(prefix, None, "")
            self._edits.update({entry.path: entry for entry in stored})
        return tuple(stored)

    def adopt(self, prefix: str, ref: str) -> None:
        self._check_open()
        prefix = check_prefix(prefix)
        tree = self._kept_tree(ref, self._claim)
        with self._lock:
            self._replace(prefix, tree, prefix)

    def delete(self, path: str) -> None:
        self._check_open()
        path = check_path(path)
        with self._lock:
            self._edits[path] = None

    def close(self) -> None:
        """Refuse further edits."""
        self._open = False

    def write(self, git: pygit2.Repository, base: trees.Tree) -> trees.Tree:
        """The tree `base` with the edits, written to the repository. The caller holds the gate.

        Raises `InvalidName` for an object and a folder of one name.
        """
        removed: dict[str, trees.Tree] = {path: None for path, entry in self._edits.items() if entry is None}
        tree = base
        if self._replaced:
            # An object that was deleted to make room for a folder goes first.
            tree = trees.edit(git, tree, removed)
        for prefix, (source, inside) in self._replaced.items():
            tree = trees.splice(git, tree, prefix, trees.find(git, source, inside) if inside else None)
        added: dict[str, trees.Tree] = {
            path: loose.blob(git, dump(entry)) for path, entry in self._edits.items() if entry is not None
        }
        return trees.edit(git, tree, {**removed, **added})

    def _store(self, path: str, source: Path | bytes, metadata: dict[str, str], *, move: bool) -> Object:
        with explained(self._root):
            temporary = self._claim.temporary()
            try:
                staged = self._payloads.stage(source, temporary, move=move)
                with self._gate.shared():
                    self._claim.note("payload", staged.digest)
                    self._payloads.place(staged, temporary)
            except BaseException:
                # On a full disk, half a copy would keep others from their room.
                temporary.unlink(missing_ok=True)
                raise
        return Object(path, staged.size, staged.digest, metadata)

    def _replace(self, prefix: str, source: pygit2.Oid | None, inside: str) -> None:
        for path in [path for path in self._edits if path.startswith(prefix)]:
            del self._edits[path]
        for other in [other for other in self._replaced if other.startswith(prefix)]:
            del self._replaced[other]
        self._replaced[prefix] = (source, inside)

    def _check_open(self) -> None:
        if not self._open:
            raise RuntimeError("this change is closed: write inside its with-block")
