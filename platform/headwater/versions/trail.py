"""One document through every tier: kept, changed, refused and why, down to passages and training rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import duckdb

from headwater.fingerprint import digest_text
from headwater.lake.errors import NotFound
from headwater.lake.protocol import Lake
from headwater.lake.records import read_record
from headwater.versions.rows import datasets

Outcome = Literal["kept", "changed", "refused", "absent", "made", "none", "not built"]


@dataclass(frozen=True)
class Step:
    """What became of a document in one asset. `count` is the number of rows there that stem from it."""

    asset: str
    outcome: Outcome
    count: int
    detail: str


@dataclass(frozen=True)
class Trail:
    """A document's way. `kept_instead` is set when it was dropped as a duplicate: the uri that was kept."""

    document_id: str
    uri: str
    commit: str
    steps: tuple[Step, ...]
    kept_instead: str = ""


def trails(lake: Lake, product: str, document: str, ref: str) -> list[Trail]:
    """Follow a document, given by its id, its uri, or the uri of the file that it (and others) came from.

    Raises `NotFound` when no tier at `ref` ever saw it.
    """
    tables = Tables(lake, product, lake.resolve(ref))
    return [_trail(tables, identifier, uri) for identifier, uri in sorted(_identify(tables, document))]


class Tables:
    """The datasets of a product at one commit, asked by SQL."""

    def __init__(self, lake: Lake, product: str, commit: str) -> None:
        self.lake, self.product, self.commit = lake, product, commit

    def rows(
        self, dataset: str, where: str, values: Sequence[Any], columns: str = "*"
    ) -> list[dict[str, Any]]:
        """Rows of `<asset>` or `<asset>/quarantine` in their order; none where there is no such dataset."""
        files = self.files(dataset)
        if not files:
            return []
        listed = ", ".join("'" + str(path).replace("'", "''") + "'" for path in files)
        with duckdb.connect() as database:
            found = database.execute(
                f"SELECT {columns} FROM read_parquet([{listed}]) WHERE {where}",  # noqa: S608 - ours
                list(values),
            )
            names = [entry[0] for entry in found.description or ()]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def files(self, dataset: str) -> list[Path]:
        """The parts of a dataset."""
        folder = f"{self.product}/{dataset}/"
        parts = datasets(list(self.lake.list(self.commit, folder + "part-"))).get(folder, [])
        return [self.lake.fetch(self.commit, item.path) for item in parts]


def _identify(tables: Tables, document: str) -> set[tuple[str, str]]:
    """(document id, uri) of every document that is meant; the id is empty for a file refused as a whole."""
    where = "document_id = $1 OR uri = $1 OR starts_with(uri, $1 || '#')"
    found: set[tuple[str, str]] = set()
    for dataset in ("bronze", "bronze/quarantine", "raw/quarantine"):
        for row in tables.rows(dataset, where, [document], "document_id, uri"):
            found.add((row["document_id"] or "", row["uri"]))
    if not found:
        raise NotFound(f"{tables.product} has no document {document!r} at {tables.commit}: no tier saw it")
    return found


def _trail(tables: Tables, document_id: str, uri: str) -> Trail:
    duplicate_of = next(
        (row["detail"] for row in _refusals(tables, "silver", document_id, uri) if row["step"] == "dedup"), ""
    )
    return Trail(
        document_id=document_id,
        uri=uri,
        commit=tables.commit,
        steps=tuple(_steps(tables, document_id, uri)),
        kept_instead=duplicate_of.removeprefix("kept ").rpartition("; ")[0],
    )


def _steps(tables: Tables, document_id: str, uri: str) -> Iterator[Step]:
    file = uri.partition("#")[0]
    manifest = tables.rows("raw", "uri = ?", [file])
    refused = tables.rows("raw/quarantine", "uri = ?", [file])
    yield _tier(
        "raw", manifest, refused, [f"{row['size']:,} bytes, sha256 {row['digest']}" for row in manifest]
    )
    bronze = tables.rows("bronze", "document_id = ?", [document_id])
    yield _tier(
        "bronze",
        bronze,
        _refusals(tables, "bronze", document_id, uri),
        [f"{len(row['text']):,} characters, title {row['title']!r}" for row in bronze],
    )
    silver = tables.rows("silver", "document_id = ?", [document_id])
    changed = bool(bronze and silver) and bronze[0]["text_digest"] != silver[0]["text_digest"]
    yield _tier(
        "silver",
        silver,
        _refusals(tables, "silver", document_id, uri),
        [_silver(row, changed) for row in silver],
        changed=changed,
    )
    chunks = tables.rows("chunks", "document_id = ? ORDER BY start", [document_id])
    yield _made(tables, "chunks", [f"{row['start']}-{row['end']} {row['chunk_id'][:12]}" for row in chunks])
    vectors = _by_chunk(tables, "embeddings", "chunk_id", chunks)
    yield _made(tables, "embeddings", [row["chunk_id"][:12] for row in vectors])
    asked = tables.rows("questions", "uri = ?", [uri], "text")
    answers = _answers(tables, chunks)
    questions = [f"asks {row['text']!r}" for row in asked] + [f"answers {row['text']!r}" for row in answers]
    yield _made(tables, "questions", questions)
    examples = tables.rows("training_set", "uri = ?", [uri], "split, origin")
    context = tables.rows("training_set", "list_contains(context_uris, ?)", [uri], "split, uri")
    training = [f"{row['origin']} example in {row['split']}" for row in examples]
    training += [f"passage for {row['uri']} in {row['split']}" for row in context]
    refused = tables.rows("training_set/quarantine", "uri = ?", [uri])
    if refused and not training:
        yield _tier("training_set", [], refused, [])
    else:
        yield _made(tables, "training_set", training)


def _tier(
    asset: str,
    rows: Sequence[Any],
    refused: Sequence[dict[str, Any]],
    details: Sequence[str],
    *,
    changed: bool = False,
) -> Step:
    if rows:
        return Step(asset, "changed" if changed else "kept", len(rows), "; ".join(details))
    if refused:
        why = "; ".join(f"{row['step']}: {row['reason']} ({row['detail']})" for row in refused)
        return Step(asset, "refused", 0, why)
    return Step(asset, "absent", 0, "")


def _made(tables: Tables, asset: str, details: Sequence[str]) -> Step:
    if details:
        return Step(asset, "made", len(details), "; ".join(details))
    record = read_record(tables.lake, tables.commit, tables.product, asset)
    if record is None:
        return Step(asset, "not built", 0, "")
    sources = record.config.get("sources") if asset == "chunks" else None
    return Step(asset, "none", 0, f"only of the sources {', '.join(sources)}" if sources else "")


def _silver(row: dict[str, Any], changed: bool) -> str:
    redacted = "" if row["redactions"] == "{}" else f", redacted {row['redactions']}"
    duplicates = f", kept for {len(row['duplicates'])} duplicates" if row["duplicates"] else ""
    how = "normalized or redacted" if changed else "text as it was"
    return f"{how}{redacted}, language {row['language']}{duplicates}"


def _refusals(tables: Tables, tier: str, document_id: str, uri: str) -> list[dict[str, Any]]:
    where = "uri = ? OR (document_id IS NOT NULL AND document_id = ?)"
    return tables.rows(f"{tier}/quarantine", where, [uri, document_id or digest_text(uri)])


def _by_chunk(
    tables: Tables, dataset: str, column: str, chunks: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    ids = [row["chunk_id"] for row in chunks]
    return tables.rows(dataset, f"list_contains(?, {column})", [ids], column) if ids else []


def _answers(tables: Tables, chunks: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    ids = [row["chunk_id"] for row in chunks]
    return tables.rows("questions", "list_has_any(relevant_chunk_ids, ?)", [ids], "text") if ids else []
