"""Digests that name content, configuration and code.

Every "has this changed?" of the project is an equality of these digests, never of times or file names.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
import os
import sys
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

CHUNK_BYTES = 1 << 20
_BLOCKS = ("body", "orelse", "handlers", "finalbody", "cases")
"""Where nodes of a syntax tree hold further statements."""


def digest_bytes(data: bytes | memoryview) -> str:
    """SHA-256 of `data` as 64 lower-case hex digits."""
    return hashlib.sha256(data).hexdigest()


def digest_text(text: str) -> str:
    """SHA-256 of the UTF-8 form of `text`. Raises `UnicodeEncodeError` for lone surrogates."""
    return digest_bytes(text.encode())


def digest_file(path: Path) -> str:
    """SHA-256 of a file, read in pieces of 1 MiB."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def digest_json(value: Any) -> str:
    """SHA-256 of the canonical JSON form: sorted keys, no spaces. Raises `TypeError` for other types."""
    return digest_bytes(canonical_json(value).encode())


def canonical_json(value: Any) -> str:
    """JSON with sorted keys, no spaces and no NaN, so that equal values have equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest_folder(entries: Iterable[tuple[str, str, int]]) -> str:
    """Digest of a folder's `(path, digest, size)` entries, whatever their order."""
    lines = sorted(f"{path}\0{digest}\0{size}\n" for path, digest, size in entries)
    return digest_bytes("".join(lines).encode())


@cache
def code_version(*modules: str) -> str:
    """Digest of what the named modules and packages do: their syntax trees without docstrings.

    Comments, layout and docstrings do not change it; any other edit does. Nothing is imported.
    """
    files: dict[str, str] = {}
    for name in modules:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(f"cannot take the code version of {name!r}: no such module")
        origin = Path(spec.origin)
        paths = sorted(origin.parent.rglob("*.py")) if origin.name == "__init__.py" else [origin]
        root = origin.parent
        for path in paths:
            relative = path.relative_to(root).as_posix()
            files[f"{name}/{relative}"] = _module_digest(path)
    return digest_json(files)


def library_versions(*distributions: str) -> dict[str, str]:
    """Installed version of each distribution; `absent` for one that is not installed."""
    return {name: _installed(name) for name in distributions}


@cache
def _installed(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "absent"


def _module_digest(path: Path) -> str:
    """The digest of a module's syntax tree, kept beside its bytecode: parsing takes longer than reading."""
    source = path.read_bytes()
    kept = Path(importlib.util.cache_from_source(str(path))).with_suffix(".tree")
    name = digest_bytes(_own_source() + source)
    try:
        known, _, digest = kept.read_text(encoding="ascii").partition(" ")
    except OSError:
        known = digest = ""
    if known != name:
        digest = _tree_digest(source.decode())
        _keep(kept, f"{name} {digest}")
    return digest


@cache
def _own_source() -> bytes:
    """What is kept holds for this way of taking digests alone."""
    return Path(__file__).read_bytes()


def _keep(path: Path, text: str) -> None:
    """Write a file at once or, where bytecode may not be written either, not at all."""
    if sys.dont_write_bytecode:
        return
    draft = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(text, encoding="ascii")
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)


def _tree_digest(source: str) -> str:
    tree = ast.parse(source)
    _strip_docstrings(tree)
    return digest_text(ast.dump(tree))


def _strip_docstrings(node: ast.AST) -> None:
    """Only statements are visited, for expressions, most of a tree, hold no docstring."""
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and _documented(
        node.body
    ):
        node.body = node.body[1:]
    for name in _BLOCKS:
        for inner in getattr(node, name, ()):
            _strip_docstrings(inner)


def _documented(body: list[ast.stmt]) -> bool:
    first = body[0] if body else None
    return (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    )
