"""The folder of an embedded lake: making it and recognizing it."""

from __future__ import annotations

import json
from pathlib import Path

from headwater.lake.embedded.disk import flush
from headwater.lake.embedded.locks import locked
from headwater.lake.embedded.repository import Repository
from headwater.lake.errors import Damaged

FORMAT = 2
_WITHOUT_DELTAS = 1
_MARKER = "lake.json"
_FOLDERS = ("objects", "deltas", "views", "changes", "locks", "tmp")
_OURS = {_MARKER, f"{_MARKER}.new", "git", "vouched.txt", "vouched.new", "erased.txt", *_FOLDERS}


def prepare(root: Path) -> None:
    """Make the lake in `root` unless it is there; finishes what a process began that died.

    Raises `ValueError` when the folder holds something else or a newer format, `Damaged` when a part of the
    lake is missing.
    """
    marker = root / _MARKER
    if not marker.exists():
        _make(root, marker)
    try:
        found = json.loads(marker.read_text(encoding="utf-8"))["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise Damaged(f'{marker} cannot be read: {error}; it should say {{"format": {FORMAT}}}') from error
    if found == _WITHOUT_DELTAS:
        with locked(root / "locks" / "make.lock"):
            (root / "deltas").mkdir(exist_ok=True)
            _mark(root, marker)
        found = FORMAT
    if found != FORMAT:
        raise ValueError(f"{root} holds a lake of format {found!r}, this version reads up to {FORMAT}")
    missing = [name for name in ("git", *_FOLDERS) if not (root / name).is_dir()]
    if missing:
        raise Damaged(f"the lake in {root} lacks its folder {missing[0]!r}: restore it from a backup")


def _make(root: Path, marker: Path) -> None:
    if root.exists() and not root.is_dir():
        raise ValueError(f"{root} is a file: expected the folder of a lake, or one to be made")
    foreign = sorted({path.name for path in root.iterdir()} - _OURS) if root.exists() else []
    if foreign:
        raise ValueError(f"{root} is no lake and not empty: it holds {foreign[0]!r}")
    for name in _FOLDERS:
        (root / name).mkdir(parents=True, exist_ok=True)
    with locked(root / "locks" / "make.lock"):
        if marker.exists():
            return
        Repository.create(root / "git")
        _mark(root, marker)


def _mark(root: Path, marker: Path) -> None:
    draft = root / f"{_MARKER}.new"
    draft.write_text(json.dumps({"format": FORMAT}) + "\n", encoding="utf-8")
    flush(root)
    draft.replace(marker)
