"""Which documents and files an erasure means."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from headwater.curate.dedup.settings import Deduplicate
from headwater.curate.dedup.wording import kept_uri
from headwater.curate.erasures import REASON, Erasure, Erasures
from headwater.fingerprint import digest_text
from headwater.lake.errors import NotFound
from headwater.lake.protocol import Lake
from headwater.tables import read_rows


@dataclass(frozen=True)
class Wanted:
    """What to forget: exactly one of a document's id, a glob of uris, or a text that documents hold."""

    document: str = ""
    uri: str = ""
    text: str = ""

    def __post_init__(self) -> None:
        if sum(bool(value) for value in (self.document, self.uri, self.text)) != 1:
            raise ValueError("expected exactly one of: document (an id), uri (a glob), text (exact)")
        if self.text and len(self.text.strip()) < 4:
            raise ValueError(f"text: expected at least 4 characters, got {self.text!r}")

    def means(self, document_id: str, uri: str) -> bool:
        """Whether it names this document or file."""
        by_id = bool(self.document) and self.document == document_id
        return by_id or (bool(self.uri) and fnmatch.fnmatchcase(uri, self.uri))

    def held_by(self, row: Mapping[str, Any]) -> bool:
        """Whether a row's text, title, attributes or excerpt hold the text."""
        if not self.text:
            return False
        values = [row.get(name) or "" for name in ("text", "title", "section", "excerpt", "detail")]
        values += map(str, json.loads(row.get("attributes") or "{}").values())
        return any(self.text in value for value in values)


@dataclass(frozen=True)
class Document:
    """A document as bronze, or its quarantine, has it; `text_digest` is empty for a refused one."""

    document_id: str
    uri: str
    raw_digest: str
    text_digest: str

    @property
    def file(self) -> str:
        """The uri of the file that it was read from."""
        return self.uri.partition("#")[0]


@dataclass(frozen=True)
class Selection:
    """What will be erased.

    `documents` are those meant and every copy of their text. `files` go as a whole: uri -> digest.
    `partial` are files that hold an erased document beside others and stay: uri -> number of others.
    `also_lost` counts documents that were not meant and go with their file. `similar` are near-duplicates
    of erased documents, which stay.
    """

    documents: tuple[Document, ...]
    files: Mapping[str, str]
    partial: Mapping[str, int]
    also_lost: int
    similar: tuple[str, ...]

    def entries(self, reason: str) -> Iterator[Erasure]:
        """What goes on the list."""
        for document in self.documents:
            yield Erasure(document.uri, document.document_id, document.text_digest, reason)
        for uri, digest in self.files.items():
            yield Erasure(uri, "", digest, reason)


def select(lake: Lake, commit: str, product: str, wanted: Wanted, *, whole_files: bool) -> Selection:
    """Find what is meant in raw, bronze and silver at `commit`, with every copy of it.

    A file is erased as a whole when all its documents are, or with `whole_files`. Also finds nothing: what
    stands on the list already is found by `listed`.
    """
    raw = {row["uri"]: row["digest"] for row in _rows(lake, commit, f"{product}/raw/")}
    everything = list(_documents(lake, commit, product))
    silver_texts = {
        row["document_id"] for row in _rows(lake, commit, f"{product}/silver/") if wanted.held_by(row)
    }
    meant = {
        document.document_id
        for document, row in everything
        if wanted.means(document.document_id, document.uri)
        or wanted.held_by(row)
        or document.document_id in silver_texts
    }
    files = {uri for uri in raw if wanted.means("", uri)} | _refused_files(lake, commit, product, wanted)
    files |= _bytes_hold(lake, commit, product, raw, wanted, {one.file for one, _ in everything})
    files |= {uri for uri in raw if raw[uri] in {raw.get(file) for file in files}}
    documents = [document for document, _ in everything]
    texts = {one.text_digest for one in documents if one.document_id in meant and one.text_digest}
    meant |= {one.document_id for one in documents if one.text_digest in texts or one.file in files}
    others: dict[str, int] = {}
    for one in documents:
        others[one.file] = others.get(one.file, 0) + (one.document_id not in meant)
    touched = {one.file for one in documents if one.document_id in meant}
    whole = {uri for uri in touched if whole_files or others[uri] == 0} | files
    lost = [one for one in documents if one.file in whole and one.document_id not in meant]
    chosen = [one for one in documents if one.document_id in meant or one.file in whole]
    ids = {one.document_id for one in chosen}
    return Selection(
        documents=tuple(sorted(chosen, key=lambda one: one.uri)),
        files={uri: raw.get(uri, "") for uri in sorted(whole)},
        partial={uri: others[uri] for uri in sorted(touched - whole)},
        also_lost=len(lost),
        similar=tuple(sorted(_similar(lake, commit, product, ids))),
    )


def listed(erasures: Erasures, wanted: Wanted) -> Selection:
    """What is meant among what was erased before; a text cannot be found there, since none is kept."""
    found = [entry for entry in erasures.entries if wanted.means(entry.document_id, entry.uri)]
    uris = {entry.uri.partition("#")[0] for entry in found}
    files = {
        entry.uri: entry.digest for entry in erasures.entries if not entry.document_id and entry.uri in uris
    }
    documents = [
        Document(entry.document_id, entry.uri, "", entry.digest)
        for entry in erasures.entries
        if entry.document_id and (entry in found or entry.uri.partition("#")[0] in files)
    ]
    return Selection(tuple(documents), files, {}, 0, ())


def _documents(lake: Lake, commit: str, product: str) -> Iterator[tuple[Document, Mapping[str, Any]]]:
    for row in _rows(lake, commit, f"{product}/bronze/"):
        yield Document(row["document_id"], row["uri"], row["raw_digest"], row["text_digest"]), row
    for row in _rows(lake, commit, f"{product}/bronze/", "quarantine"):
        if row["reason"] != REASON and row["document_id"]:
            yield Document(row["document_id"], row["uri"], row["raw_digest"], ""), row


def _refused_files(lake: Lake, commit: str, product: str, wanted: Wanted) -> set[str]:
    """Files that a tier refused as a whole and that are meant."""
    return {
        row["uri"]
        for tier in ("raw", "bronze")
        for row in _rows(lake, commit, f"{product}/{tier}/", "quarantine")
        if not row["document_id"] and row["reason"] != REASON
        if wanted.means("", row["uri"]) or wanted.held_by(row)
    }


def _bytes_hold(
    lake: Lake, commit: str, product: str, raw: Mapping[str, str], wanted: Wanted, read: set[str]
) -> set[str]:
    """Files without a document whose bytes hold the text."""
    if not wanted.text:
        return set()
    needle = wanted.text.encode()
    silent = [uri for uri in raw if uri not in read]
    place = f"{product}/raw/objects/"
    return {
        uri
        for uri in silent
        if needle in lake.fetch(commit, f"{place}{raw[uri][:2]}/{raw[uri]}").read_bytes()
    }


def _similar(lake: Lake, commit: str, product: str, erased: set[str]) -> set[str]:
    """Duplicates of what is erased. A kept document lists the first of very many; each of the others names
    the document that is kept for it in the quarantine."""
    found: set[str] = set()
    folder = f"{product}/silver/"
    for row in _rows(lake, commit, folder):
        cluster = {row["document_id"], *row["duplicates"]}
        if cluster & erased:
            found |= cluster - erased
    for row in _rows(lake, commit, folder, "quarantine"):
        if row["step"] == Deduplicate.name:
            pair = {row["document_id"], digest_text(kept_uri(row["detail"]))}
            if pair & erased:
                found |= pair - erased
    return found


def _rows(lake: Lake, commit: str, folder: str, part: str = "") -> Iterator[dict[str, Any]]:
    try:
        found = lake.fetch(commit, folder)
    except NotFound:
        return
    if not part or (found / part).is_dir():
        yield from read_rows(found / part)
