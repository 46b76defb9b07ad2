"""How digests and metadata travel with lakeFS's objects and commits.

Headers hold printable ASCII only, in names whose case gets lost on the way; so an object carries two of them:
its SHA-256, and all its metadata as one line of JSON with everything else escaped.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from headwater.lake.errors import Damaged
from headwater.lake.protocol import Commit, Object

DIGEST = "headwater-sha256"
METADATA = "headwater-metadata"
WRITER = ".headwater.writer"
"""Commit metadata by which a writer finds its own commit again when the answer got lost."""

COPIED_FROM = "copied_from"
COPIED_TIME = "copied_time"
COPIED_PARENTS = "copied_parents"
"""Commit metadata of a copy: id, time and parents (separated by blanks) that its original has elsewhere."""

_HIDDEN = (".lakefs.", ".headwater.")
_WIRE_PREFIXES = ("x-amz-meta-", "x-lakefs-meta-")
FOREIGN = "etag:"
"""Starts the digest of an object that others uploaded: its SHA-256 is not known before it is read."""


def object_headers(digest: str, metadata: Mapping[str, str]) -> dict[str, str]:
    """What an object is uploaded with."""
    headers = {DIGEST: digest}
    if metadata:
        line = json.dumps(dict(metadata), sort_keys=True, separators=(",", ":"))
        # JSON leaves DEL alone; and signing folds runs of spaces, so that a proxy may too.
        headers[METADATA] = line.replace("\x7f", "\\u007f").replace("  ", " \\u0020")
    return headers


def read_object(item: Mapping[str, Any]) -> Object:
    """An object from lakeFS's description. Raises `Damaged` when our own metadata cannot be read."""
    given: Mapping[str, Any] = item.get("metadata") or {}
    headers = {_plain(key): str(value) for key, value in given.items()}
    digest = headers.pop(DIGEST, None)
    path, size = str(item["path"]), int(item.get("size_bytes", 0))
    if digest is None:
        return Object(path, size, f"{FOREIGN}{item.get('checksum', '')}", headers)
    try:
        metadata: dict[str, str] = json.loads(headers.get(METADATA, "{}"))
    except ValueError as error:
        raise Damaged(f"the metadata of {path!r} cannot be read: {error}") from error
    return Object(path, size, digest, metadata)


def read_commit(item: Mapping[str, Any]) -> Commit:
    """A commit from lakeFS's description, without the metadata that lakeFS and this store add.

    The time of a copy is that of its original.
    """
    given: Mapping[str, Any] = item.get("metadata") or {}
    time = datetime.fromtimestamp(int(item.get("creation_date", 0)), UTC)
    if COPIED_FROM in given and COPIED_TIME in given:
        time = datetime.fromisoformat(str(given[COPIED_TIME]))
    return Commit(
        str(item["id"]),
        tuple(item.get("parents") or ()),
        str(item.get("message", "")),
        time,
        {key: str(value) for key, value in given.items() if not key.startswith(_HIDDEN)},
    )


def copied_metadata(commit: Commit) -> dict[str, str]:
    """The metadata with which the copy of a commit is made."""
    return {
        **commit.metadata,
        COPIED_FROM: commit.id,
        COPIED_TIME: commit.time.isoformat(timespec="seconds"),
        COPIED_PARENTS: " ".join(commit.parents),
    }


def _plain(key: str) -> str:
    lowered = key.lower()
    for prefix in _WIRE_PREFIXES:
        lowered = lowered.removeprefix(prefix)
    return lowered
