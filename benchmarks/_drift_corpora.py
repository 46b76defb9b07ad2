"""Passages of installed packages' documentation, with the document each comes from, and their vectors.

Corpora that need no download: `aws` (operations of botocore's service models, a document is a service),
`stdlib` (docstrings of Python's standard library, a document is a top-level module), and docstrings of the
packages in `PACKAGES` (a document is a source file). Passages are drawn with explicit seeds.
"""

from __future__ import annotations

import ast
import gzip
import html
import importlib.util
import json
import random
import re
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.fingerprint import digest_json
from headwater.index.embedder import Embedder, EmbeddingModel

PACKAGES = {
    "numeric": ("numpy", "pandas", "matplotlib", "torch", "transformers"),
    "tools": ("dagster", "sqlalchemy", "pydantic", "polars", "fastapi", "starlette", "pyarrow", "duckdb"),
    "maths": ("sympy", "networkx"),
    "science": ("scipy", "sklearn"),
}
CORPORA = ("aws", "stdlib", *PACKAGES)
LEAST_WORDS, MOST_WORDS = 45, 110
PASSAGES_OF_A_DOCUMENT = 12
LEFT_OUT = re.compile(r"(^|/)(tests?|testing|idlelib|lib2to3|site-packages)(/|$)")


@dataclass(frozen=True)
class Corpus:
    """Passages with the number of their document and their unit vectors float32 [n, dimensions]."""

    texts: list[str]
    documents: NDArray[np.int64]
    vectors: NDArray[np.float32]


def load(name: str, rows: int, cache: Path) -> Corpus:
    """At most `rows` passages in whole documents, embedded once and kept in `cache` by their digest."""
    texts: list[str] = []
    documents: list[int] = []
    for number, (_, passages) in enumerate(documents_of(name)):
        if len(texts) >= rows:
            break
        texts += passages
        documents += [number] * len(passages)
    return Corpus(texts, np.asarray(documents, dtype=np.int64), _embedded(name, texts, cache))


def documents_of(name: str) -> list[tuple[str, list[str]]]:
    """Titles and passages of a corpus's documents, at most 12 passages each, in a drawn order."""
    source = {"aws": _aws, "stdlib": _stdlib}
    found = source[name]() if name in source else _docstrings_of(PACKAGES[name])
    chosen: list[tuple[str, list[str]]] = []
    for title, passages in found:
        unique = list(dict.fromkeys(passages))
        if len(unique) >= 3:
            draw = random.Random(f"{name}/{title}")
            chosen.append((title, draw.sample(unique, min(len(unique), PASSAGES_OF_A_DOCUMENT))))
    random.Random(name).shuffle(chosen)
    return chosen


def _aws() -> Iterator[tuple[str, list[str]]]:
    for service in sorted(path for path in (_package("botocore") / "data").iterdir() if path.is_dir()):
        models = sorted(service.glob("*/service-2.json.gz"))
        if models:
            with gzip.open(models[-1], "rt", encoding="utf-8") as stream:
                operations: dict[str, Any] = json.load(stream)["operations"]
            texts = (operation.get("documentation", "") for operation in operations.values())
            yield service.name, list(_passages(texts))


def _stdlib() -> Iterator[tuple[str, list[str]]]:
    root = Path(sysconfig.get_path("stdlib"))
    modules: dict[str, list[str]] = {}
    for path in sorted(root.rglob("*.py")):
        name = path.relative_to(root).as_posix()
        if not LEFT_OUT.search(name):
            modules.setdefault(name.split("/")[0], []).extend(_docstrings(path))
    for name, texts in modules.items():
        yield name, list(_passages(texts))


def _docstrings_of(packages: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    for package in packages:
        root = _package(package)
        for path in sorted(root.rglob("*.py")):
            if not LEFT_OUT.search(path.relative_to(root).as_posix()):
                yield f"{package}/{path.relative_to(root)}", list(_passages(_docstrings(path)))


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"the benchmark reads the documentation of {name}, which is not installed")
    return Path(spec.submodule_search_locations[0])


def _docstrings(path: Path) -> list[str]:
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError):
        return []
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    found = [ast.get_docstring(node) for node in ast.walk(tree) if isinstance(node, documented)]
    return [text for text in found if text]


def _passages(texts: Iterable[str]) -> Iterator[str]:
    """Docstrings one after the other, joined until a passage has enough words."""
    words: list[str] = []
    for text in texts:
        words += _words(text)
        if len(words) >= LEAST_WORDS:
            yield _cut(words)
            words = []


def _words(text: str) -> list[str]:
    return html.unescape(re.sub(r"<[^>]+>", " ", text)).split()


def _cut(words: list[str]) -> str:
    return " ".join(words[:MOST_WORDS])


def _embedded(name: str, texts: list[str], cache: Path) -> NDArray[np.float32]:
    model = EmbeddingModel(max_tokens=160)
    path = cache / f"{name}-{digest_json([model.fingerprint(), texts])[:16]}.npy"
    if not path.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        vectors = Embedder(model).embed(texts)
        unfinished = path.with_suffix(".part.npy")
        np.save(unfinished, vectors.astype(np.float32))
        unfinished.replace(path)
    return np.load(path)
