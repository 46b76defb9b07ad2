"""Documents, passages and questions made up for tests of the index and of the evaluation."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from headwater.index.embed import EmbeddingsMaker
from headwater.index.questions import QuestionsMaker
from headwater.index.vectors import IndexMaker
from headwater.schemas import CHUNKS, SILVER
from headwater.tables import write_rows
from headwater.workspace import Workspace

SERVICES = ("archive", "bucket", "cluster", "domain", "event", "fleet")
OPERATIONS = {
    "create": ("make a new {0}", "Creates a {0} with the given name and returns its identifier."),
    "delete": ("get rid of a {0}", "Removes the {0} for ever, together with everything attached to it."),
    "list": ("see every {0}", "Returns one page of descriptions of the {0} resources in this account."),
    "tag": ("put labels on a {0}", "Adds or overwrites the labels that are kept beside the {0}."),
}
LONG_TAIL = (
    "The call returns at once. The work goes on in the background and may take minutes. "
    "Ask for the state with the describe call. Limits apply for each account and region."
)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def chunk(
    uri: str, title: str, text: str, *, start: int = 0, attributes: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """A chunks row; the embedded text is title and passage."""
    embedded = f"{title}\n{text}"
    document = digest(uri)
    return {
        "chunk_id": digest(f"{document}:{start}:{start + len(text)}"),
        "document_id": document,
        "uri": uri,
        "raw_digest": digest(uri.partition("#")[0]),
        "title": title,
        "section": "",
        "ordinal": 0,
        "start": start,
        "end": start + len(text),
        "text": text,
        "tokens": len(embedded.split()) + 2,
        "embedded_text": embedded,
        "embedded_digest": digest(embedded),
        "attributes": json.dumps(dict(attributes or {}), sort_keys=True),
    }


def document(uri: str, source: str, title: str, text: str, attributes: Mapping[str, str]) -> dict[str, Any]:
    """A silver row."""
    return {
        "document_id": digest(uri),
        "uri": uri,
        "source": source,
        "raw_digest": digest(uri.partition("#")[0]),
        "media_type": "text/plain",
        "title": title,
        "section": "",
        "start": None,
        "end": None,
        "text": text,
        "text_digest": digest(text),
        "attributes": json.dumps(dict(attributes), sort_keys=True),
        "language": "en",
        "language_score": 0.99,
        "words": len(text.split()),
        "redactions": "{}",
        "annotations": "{}",
        "duplicates": [],
    }


def chunks() -> list[dict[str, Any]]:
    """Two passages for each operation of each service, ordered by uri."""
    rows: list[dict[str, Any]] = []
    for service in SERVICES:
        for verb, (_, text) in OPERATIONS.items():
            uri, title = f"docs/{service}/{verb}.md", f"{service} {verb}-{service}"
            attributes = {"service": service, "operation": verb}
            first = text.format(service)
            rows.append(chunk(uri, title, first, attributes=attributes))
            rows.append(chunk(uri, title, LONG_TAIL, start=len(first) + 1, attributes=attributes))
    return sorted(rows, key=lambda row: (row["uri"], row["start"]))


def labelled(unanswerable: bool = True) -> list[dict[str, Any]]:
    """One labelled question for each operation, and one that no chunk answers."""
    rows = [
        document(
            f"examples/{service}/{verb}.rst#0",
            "examples",
            asked.format(service),
            f"aws {service} {verb}",
            {"service": service, "operation": verb, "question": f"To {asked.format(service)}"},
        )
        for service in SERVICES
        for verb, (asked, _) in OPERATIONS.items()
    ]
    if unanswerable:
        lost = {"service": "archive", "operation": "paint", "question": "To paint an archive"}
        rows.append(document("examples/archive/paint.rst#0", "examples", "paint", "aws archive paint", lost))
    return sorted(rows, key=lambda row: row["uri"])


def write_chunks(folder: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    write_rows(folder, rows, CHUNKS.arrow, key="chunk_id")
    return folder


def write_silver(folder: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    write_rows(folder, rows, SILVER.arrow, key="document_id")
    return folder


def workspace(
    base: Path, name: str, *, previous: Path | None = None, cache: Path | None = None, **inputs: Path
):
    """A workspace below `base`, with an empty `out` at base/name."""
    for folder in (base / name, base / f"{name}-scratch"):
        folder.mkdir(parents=True)
    return Workspace(
        out=base / name,
        inputs=inputs,
        previous=previous,
        cache=cache or base / "cache",
        scratch=base / f"{name}-scratch",
        progress=lambda what, done, total: None,
    )


def build_index(base: Path) -> Path:
    """Chunks, embeddings, labelled questions and index of the made-up corpus below `base`."""
    passages = write_chunks(base / "chunks", chunks())
    silver = write_silver(base / "silver", labelled())
    EmbeddingsMaker(workers=1)(workspace(base, "embeddings", chunks=passages))
    IndexMaker()(workspace(base, "index", chunks=passages, embeddings=base / "embeddings"))
    questions = QuestionsMaker(
        sources=("examples",), relevant_by=("service", "operation"), group_by="service"
    )
    questions(workspace(base, "questions", silver=silver, chunks=passages))
    return base


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file below a folder by its path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
