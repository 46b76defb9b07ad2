"""One change in progress: payloads go to the lake at once, the new tree only exists at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from pathlib import Path

import pygit2

from headwater.lake.edits import Edits
from headwater.lake.embedded import loose, trees
from headwater.lake.embedded.claims import Claim
from headwater.lake.embedded.disk import begin_writing_all
from headwater.lake.embedded.failures import explained
from headwater.lake.embedded.locks import Gate
from headwater.lake.embedded.payloads import SMALL_BYTES, Payloads
from headwater.lake.embedded.pointers import dump
from headwater.lake.protocol import Object

LARGE_AT_ONCE = 2
"""Large files that are read at once, while others are on their way to disk."""
SMALL_TOGETHER = 32
"""Small files that are held in memory to pass the gate together."""


class EmbeddedChange(Edits[pygit2.Oid]):
    """A change of an embedded lake; see `headwater.lake.protocol.Change`."""

    def __init__(
        self,
        root: Path,
        gate: Gate,
        payloads: Payloads,
        claim: Claim,
        kept_tree: Callable[[str, Claim], pygit2.Oid],
    ) -> None:
        super().__init__()
        self._root = root
        self._gate = gate
        self._payloads = payloads
        self._claim = claim
        self._kept_tree = kept_tree

    def write(self, git: pygit2.Repository, base: trees.Tree) -> trees.Tree:
        """The tree `base` with the edits, written to the repository. The caller holds the gate.

        Raises `InvalidName` for an object and a folder of one name.
        """
        removed: dict[str, trees.Tree] = {path: None for path, entry in self._edits.items() if entry is None}
        tree = base
        if self._replaced:
            # An object that was deleted to make room for a folder goes first.
            tree = trees.edit(git, tree, removed)
        for prefix, source in self._replaced.items():
            tree = trees.splice(git, tree, prefix, trees.find(git, source, prefix))
        added: dict[str, trees.Tree] = {
            path: loose.blob(git, dump(entry)) for path, entry in self._edits.items() if entry is not None
        }
        return trees.edit(git, tree, {**removed, **added})

    def _store(self, path: str, source: Path | bytes, metadata: dict[str, str], *, move: bool) -> Object:
        return self._take_in([(path, source)], metadata, move=move)[0]

    def _store_folder(
        self, _prefix: str, /, files: Mapping[str, Path], metadata: dict[str, str], *, move: bool
    ) -> tuple[Object, ...]:
        # Taking the digest of a large file lets other threads run; with small ones, Python itself keeps them
        # waiting, and passing the gate for each costs as much as the file.
        large = sum(file.stat().st_size for file in files.values()) > SMALL_BYTES * len(files)
        together = 1 if large else SMALL_TOGETHER
        items = list(files.items())
        groups = [items[begin : begin + together] for begin in range(0, len(items), together)]
        take_in = partial(self._take_in, metadata=metadata, move=move)
        if not large:
            return tuple(chain.from_iterable(map(take_in, groups)))
        with ThreadPoolExecutor(1) as ahead, ThreadPoolExecutor(LARGE_AT_ONCE) as pool:
            if move:
                # The disk is busy while digests are taken: what is moved will not be written again.
                ahead.submit(begin_writing_all, files.values())
            return tuple(chain.from_iterable(pool.map(take_in, groups)))

    def _take_in(
        self, sources: Sequence[tuple[str, Path | bytes]], metadata: dict[str, str], *, move: bool
    ) -> list[Object]:
        temporaries = [self._claim.temporary() for _ in sources]
        with explained(self._root):
            try:
                staged = [
                    self._payloads.stage(source, temporary, move=move)
                    for (_, source), temporary in zip(sources, temporaries, strict=True)
                ]
                with self._gate.shared():
                    self._claim.note("payload", *(one.digest for one in staged))
                    for one, temporary in zip(staged, temporaries, strict=True):
                        self._payloads.place(one, temporary)
            except BaseException:
                # On a full disk, half a copy would keep others from their room.
                for temporary in temporaries:
                    temporary.unlink(missing_ok=True)
                raise
        return [
            Object(path, one.size, one.digest, metadata)
            for (path, _), one in zip(sources, staged, strict=True)
        ]

    def _source(self, ref: str) -> pygit2.Oid:
        return self._kept_tree(ref, self._claim)
