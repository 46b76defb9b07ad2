"""Names of persons, by an installed spaCy pipeline with named entity recognition (optional)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from headwater.curate.pii.findings import Finding

PIECE = 50_000
"""Characters that the pipeline sees at once; it needs about a gigabyte for 100,000."""
PERSON = ("PERSON", "PER", "PRS", "persName")
_BREAK = re.compile(r"\s(?=\S*$)")


class MissingPipeline(ValueError):
    """spaCy or the pipeline is not installed, or the pipeline finds no persons."""


def names_in(text: str, pipeline: str) -> Iterator[Finding]:
    """The persons named in `text`. Raises `MissingPipeline`."""
    found = load(pipeline)
    start = 0
    while start < len(text):
        piece = text[start : start + PIECE]
        if start + PIECE < len(text) and (space := _BREAK.search(piece, PIECE // 2)):
            piece = piece[: space.end()]
        for entity in found(piece).ents:
            if entity.label_ in PERSON:
                yield Finding(start + entity.start_char, start + entity.end_char, "name", "person")
        start += len(piece)


@cache
def load(pipeline: str) -> Any:
    """The installed package or folder of this name. Raises `MissingPipeline`; nothing is downloaded."""
    try:
        import spacy  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise MissingPipeline(
            "the pii step looks for names with spaCy, which is not installed; install the extra "
            "headwater[ner], or leave `name` out of `kinds`"
        ) from error
    try:
        loaded = spacy.load(pipeline)
    except OSError as error:
        raise MissingPipeline(
            f"the pii step looks for names with the spaCy pipeline {pipeline!r}, which is not installed; "
            "install its package or name another one in `ner_pipeline`"
        ) from error
    if not {"ner", "entity_ruler"} & set(loaded.pipe_names):
        raise MissingPipeline(f"the spaCy pipeline {pipeline!r} recognizes no entities: it has no `ner`")
    return loaded


def pipeline_version(pipeline: str) -> str:
    """Versions of spaCy and the pipeline, `absent` for what is not installed."""
    meta = Path(pipeline) / "meta.json"
    if meta.is_file():
        own = str(json.loads(meta.read_text(encoding="utf-8")).get("version", ""))
    else:
        own = _version(pipeline)
    return f"spacy {_version('spacy')}, pipeline {own}"


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "absent"
