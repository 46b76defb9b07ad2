"""What a Git tree holds for an object: one line of JSON that names its payload."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pygit2

from headwater.fingerprint import canonical_json
from headwater.lake.embedded import loose, trees
from headwater.lake.errors import Damaged
from headwater.lake.protocol import Object


def dump(entry: Object) -> bytes:
    """The pointer of an object, without its path: equal objects have equal pointers."""
    content: dict[str, object] = {"digest": entry.digest, "size": entry.size}
    if entry.metadata:
        content["metadata"] = dict(entry.metadata)
    return canonical_json(content).encode()


def load(repository: pygit2.Repository, oid: pygit2.Oid, path: str) -> Object:
    """The object that a pointer stands for. Raises `Damaged` when the pointer cannot be read."""
    try:
        content = json.loads(loose.read(repository, oid))
        return Object(path, content["size"], content["digest"], content.get("metadata", {}))
    except (KeyError, ValueError) as error:
        raise Damaged(f"the pointer {oid} of {path!r} cannot be read: {error}") from error


def objects(
    repository: pygit2.Repository, tree: trees.Tree, prefix: str = "", after: str = ""
) -> Iterator[Object]:
    """Objects below a tree in byte order of their paths."""
    for path, oid in trees.walk(repository, tree, prefix, after):
        yield load(repository, oid, path)
