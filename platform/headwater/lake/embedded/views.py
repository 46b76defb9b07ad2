"""Folders of one commit as folders of the file system: hard links to payloads, made once per tree.

A large object that is fetched alone gets a folder as well, named by its digest: its payload may become a
delta any time, and the link stays.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path

from headwater.lake.embedded.locks import Gate
from headwater.lake.embedded.payloads import Payloads, link_or_copy
from headwater.lake.errors import Gone
from headwater.lake.protocol import Object


class Views:
    """`views/<tree id>` and beside each its list `<tree id>.list`, one `digest<TAB>path` a line."""

    def __init__(self, root: Path, payloads: Payloads, gate: Gate) -> None:
        self.folder = root / "views"
        self._payloads = payloads
        self._gate = gate

    def find(self, tree: str) -> Path | None:
        """The folder, if it was made before and every file in it is still what it was."""
        with self._gate.shared():
            return self._intact(tree)

    def make(self, tree: str, objects: Iterable[Object]) -> Path:
        """Make the folder anew from checked payloads; paths of `objects` are relative to it.

        Raises `Gone` and `Damaged`.
        """
        checked = [(entry, self._payloads.sound(entry.digest, entry.path)) for entry in objects]
        draft = self.folder / f".{secrets.token_hex(8)}"
        with self._gate.shared():
            try:
                self._fill(draft, checked)
                self._publish(draft, tree, checked)
            finally:
                _remove(draft)
                draft.with_suffix(".list").unlink(missing_ok=True)
        return self.folder / tree

    def single(self, entry: Object) -> Path:
        """One object by itself. Raises `Gone` and `Damaged`."""
        alone = replace(entry, path="payload")
        return (self.find(entry.digest) or self.make(entry.digest, [alone])) / alone.path

    def remove(self, tree: str) -> None:
        """Delete a folder. The caller holds the gate alone."""
        _remove(self.folder / tree)
        self._listing(tree).unlink(missing_ok=True)

    def all(self) -> list[str]:
        """The trees of which there is a folder."""
        return sorted(view.name for view in self.folder.iterdir() if view.is_dir() and view.name[0] != ".")

    def holding(self, digests: Collection[str]) -> list[str]:
        """The trees whose folder links to one of these payloads."""
        found: list[str] = []
        for tree in self.all():
            lines = self._listing(tree).read_text(encoding="utf-8").split("\n")[:-1]
            if any(line.partition("\t")[0] in digests for line in lines):
                found.append(tree)
        return found

    def leftovers(self) -> list[Path]:
        """Unfinished folders and lists. Meaningful only while nobody makes one."""
        whole = {name for tree in self.all() for name in (tree, f"{tree}.list")}
        return sorted(path for path in self.folder.iterdir() if path.name not in whole)

    def clear(self) -> None:
        """Remove the leftovers. The caller holds the gate alone."""
        for path in self.leftovers():
            if path.is_dir():
                _remove(path)
            else:
                path.unlink()

    def _intact(self, tree: str) -> Path | None:
        view, listing = self.folder / tree, self._listing(tree)
        try:
            lines = listing.read_text(encoding="utf-8").split("\n")[:-1]
            for line in lines:
                digest, _, path = line.partition("\t")
                file = view / path
                if not self._payloads.check(file, file.stat(), digest):
                    return None
            os.utime(view)
        except FileNotFoundError:
            return None
        return view

    def _fill(self, draft: Path, checked: list[tuple[Object, Path]]) -> None:
        made: set[Path] = set()
        for entry, payload in checked:
            target = draft / entry.path
            if target.parent not in made:
                target.parent.mkdir(parents=True, exist_ok=True)
                made.add(target.parent)
            try:
                if not payload.exists() and self._payloads.there(entry.digest):
                    # It became a delta a moment ago.
                    self._payloads.restore(entry.digest)
                link_or_copy(payload, target)
            except FileNotFoundError:
                raise Gone(f"the bytes of {entry.path!r} were swept while they were fetched") from None
        for folder, _, _ in os.walk(draft, topdown=False):
            Path(folder).chmod(0o555)

    def _publish(self, draft: Path, tree: str, checked: list[tuple[Object, Path]]) -> None:
        listing = self._listing(tree)
        lines = draft.with_suffix(".list")
        lines.write_text("".join(f"{entry.digest}\t{entry.path}\n" for entry, _ in checked), encoding="utf-8")
        lines.replace(listing)
        try:
            draft.rename(self.folder / tree)
        except OSError:
            # Somebody else was faster, or what stands there was tampered with.
            if self._intact(tree) is None:
                _remove(self.folder / tree)
                draft.rename(self.folder / tree)

    def _listing(self, tree: str) -> Path:
        return self.folder / f"{tree}.list"


def _remove(view: Path) -> None:
    """Delete a folder whose folders are read-only."""
    for folder, _, _ in os.walk(view):
        Path(folder).chmod(0o755)
    if view.exists():
        shutil.rmtree(view)
