"""The bronze tier: one row per document, text extracted, nothing judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator

from headwater.curate.bronze_flow import flow_of_files
from headwater.curate.engine.pictures import draw_waterfall
from headwater.curate.erasures import DETAIL, INPUT, REASON, Erasures
from headwater.curate.erasures import STEP as ERASURE
from headwater.curate.extract import (
    LIBRARIES,
    Document,
    RawFile,
    Reader,
    Refuse,
    Rejected,
    named_reader,
    reader_for,
)
from headwater.curate.previous import Previous
from headwater.curate.quarantine import Quarantine, Refusal, encodable
from headwater.fingerprint import canonical_json, code_version, digest_json, digest_text, library_versions
from headwater.schemas import BRONZE
from headwater.sources import Reading, Settings, SourceConfig
from headwater.sources.base import escape
from headwater.tables import count_rows, read_json, read_rows, write_json, write_rows
from headwater.workspace import Produced, Workspace

STEP = "extract"
FINGERPRINT_FILE = "_fingerprint.json"
PROGRESS_FILES = 500
_CODE = (
    "headwater.curate.bronze",
    "headwater.curate.erasures",
    "headwater.curate.extract",
    "headwater.curate.media",
    "headwater.curate.quarantine",
    "headwater.sources.base",
)


class BronzeMaker(Settings):
    """Reads every raw file with its source's reader, or with the one of its media type.

    Input: `raw`, and the list `erasures` if there is one: documents on it are quarantined without their text,
    copies under another uri as well. Rows stand in the order of their files' uris and, within a file, as
    they stand there. Rows of files with the same digest are taken from the previous version if it was made
    with the same fingerprint; the result is that of a full rebuild. Holds one file (or one line of a JSON
    lines file) of at most `max_document_bytes` in memory, also after decompression.
    """

    readers: Mapping[str, Reading] = Field(default_factory=dict[str, Reading])
    max_document_bytes: Annotated[int, Field(gt=0)] = 32 << 20

    @field_validator("readers")
    @classmethod
    def _readers_exist(cls, readers: Mapping[str, Reading]) -> Mapping[str, Reading]:
        for reading in readers.values():
            if reading.name is not None:
                named_reader(reading.name)
        return readers

    @classmethod
    def of(cls, sources: tuple[SourceConfig, ...], **settings: Any) -> BronzeMaker:
        """The maker for these sources, each with the reader that it names."""
        return cls(readers={source.name: source.reader for source in sources}, **settings)

    @property
    def fingerprint(self) -> str:
        """Digest of everything but the files that decides on the rows: code, libraries, configuration."""
        names = [reading.name or "" for reading in self.readers.values()]
        own = {name.partition(":")[0] for name in names if ":" in name}
        return digest_json(
            {
                "code": code_version(*_CODE, *sorted(own)),
                "libraries": library_versions(*LIBRARIES),
                "settings": self.model_dump(mode="json"),
            }
        )

    def __call__(self, workspace: Workspace) -> Produced:
        """Write the documents (BRONZE) and the quarantine. Raises `ValueError` for an unknown reader."""
        readers = {
            source: named_reader(reading.name) for source, reading in self.readers.items() if reading.name
        }
        raw = workspace.inputs["raw"]
        erasures = Erasures.given(workspace.inputs)
        fingerprint = self.fingerprint
        if erasures.entries:
            fingerprint = digest_json([fingerprint, INPUT, erasures.fingerprint])
        tally = {"files": 0, "reused": 0, "characters": 0}
        with (
            Quarantine(workspace.scratch / "bronze-quarantine.jsonl") as quarantine,
            Previous.open(_usable(workspace.previous, fingerprint)) as previous,
        ):
            total = count_rows(raw)

            def rows() -> Iterator[dict[str, Any]]:
                for entry in read_rows(raw):
                    if tally["files"] % PROGRESS_FILES == 0:
                        workspace.progress("bronze", tally["files"], total)
                    tally["files"] += 1
                    kept = previous.take(entry["uri"], entry["digest"], entry["media_type"], quarantine)
                    tally["reused"] += kept is not None
                    found = (
                        kept if kept is not None else self._read(entry, raw, readers, quarantine, erasures)
                    )
                    for row in found:
                        tally["characters"] += len(row["text"])
                        yield row

            count = write_rows(workspace.out, rows(), BRONZE.arrow, key=BRONZE.key)
            quarantine.write(workspace.out / "quarantine")
            write_json(workspace.out / FINGERPRINT_FILE, {"fingerprint": fingerprint})
            flow, complete = flow_of_files(raw, workspace.out, (STEP, ERASURE))
            picture = workspace.out / "waterfall.png"
            draw_waterfall(flow.rows(), "files", picture)
            return Produced(
                rows=count,
                metrics={
                    "documents": count,
                    "files": tally["files"],
                    "files_reused": tally["reused"],
                    "characters": tally["characters"],
                },
                refused=quarantine.by_reason,
                tables={"waterfall": flow.rows(), "refused": quarantine.samples},
                pictures={"waterfall": picture},
                checks=(complete,),
            )

    def _read(
        self,
        entry: Mapping[str, Any],
        raw: Path,
        readers: Mapping[str, Reader],
        quarantine: Quarantine,
        erasures: Erasures,
    ) -> Iterator[dict[str, Any]]:
        file = RawFile(
            uri=entry["uri"],
            source=entry["source"],
            media_type=entry["media_type"],
            location=raw / "objects" / entry["digest"][:2] / entry["digest"],
            max_bytes=self.max_document_bytes,
            reading=self.readers.get(entry["source"], Reading()),
        )
        seen: dict[str, int] = {}
        documents = 0

        def refuse(uri: str, reason: str, detail: str, excerpt: str, document_id: str | None) -> None:
            if erasures.document(document_id):
                erase(uri, document_id)
                return
            quarantine.add(
                Refusal(uri, file.source, STEP, reason, detail, entry["digest"], document_id, excerpt)
            )

        def erase(uri: str, document_id: str | None) -> None:
            quarantine.add(Refusal(uri, file.source, ERASURE, REASON, DETAIL, entry["digest"], document_id))

        try:
            reader = readers.get(file.source) or reader_for(file.media_type)
            for found in reader(file):
                documents += 1
                uri = f"{file.uri}#{escape(encodable(found.fragment))}" if found.fragment else file.uri
                repeats = seen.get(uri, 0)
                seen[uri] = repeats + 1
                if repeats:
                    uri = f"{uri}~{repeats + 1}"
                identifier = digest_text(uri)
                if isinstance(found, Rejected):
                    refuse(uri, found.reason, found.detail, found.excerpt, identifier)
                elif repeats:
                    refuse(
                        uri, "repeated_id", "another document of the file has this id", found.text, identifier
                    )
                else:
                    row = _row(found, file, entry["digest"], uri)
                    if erasures.document(identifier, row["text_digest"]):
                        erase(uri, identifier)
                    else:
                        yield row
        except Refuse as refusal:
            refuse(file.uri, refusal.reason, refusal.detail, refusal.excerpt, None)
        except Exception as error:
            error.add_note(f"while reading {file.uri}")
            raise
        else:
            if documents == 0:
                refuse(file.uri, "no_documents", "the reader found no document in it", "", None)


def _usable(previous: Path | None, fingerprint: str) -> Path | None:
    if previous is None or not (previous / FINGERPRINT_FILE).exists():
        return None
    return previous if read_json(previous / FINGERPRINT_FILE)["fingerprint"] == fingerprint else None


def _row(document: Document, file: RawFile, digest: str, uri: str) -> dict[str, Any]:
    text = encodable(document.text)
    return {
        "document_id": digest_text(uri),
        "uri": uri,
        "source": file.source,
        "raw_digest": digest,
        "media_type": file.media_type,
        "title": encodable(document.title),
        "section": encodable(document.section),
        "start": document.start,
        "end": document.end,
        "text": text,
        "text_digest": digest_text(text),
        "attributes": canonical_json(
            {encodable(name): encodable(value) for name, value in document.attributes.items()}
        ),
    }
