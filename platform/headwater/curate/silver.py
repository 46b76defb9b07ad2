"""The silver tier: documents that are normalized, judged, redacted and unique."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import Field

from headwater.curate.dedup import Deduplicate, Deduplicator, Duplicate
from headwater.curate.language import Language
from headwater.curate.normalize import Normalize
from headwater.curate.pii import Redact
from headwater.curate.quality import Quality
from headwater.curate.quarantine import EXCERPT_CHARACTERS, Quarantine, Refusal
from headwater.curate.shingles import ShingleStore
from headwater.curate.step import DETAIL, REASON, Step, strings
from headwater.fingerprint import digest_json
from headwater.schemas import SILVER
from headwater.sources import Settings
from headwater.tables import count_rows, read_batches, write_batches
from headwater.workspace import Produced, Workspace

# Enough for what must be seen whole to be redacted, e.g. a private key.
EXCERPT_LOOKAHEAD = 20_000
SHOWN_LANGUAGES = 20


@dataclass
class _Tally:
    refused: Counter[str] = field(default_factory=Counter[str])
    languages: Counter[str] = field(default_factory=Counter[str])
    redactions: Counter[str] = field(default_factory=Counter[str])
    documents_in: int = 0
    bytes_in: int = 0
    bytes_out: int = 0


class SilverMaker(Settings):
    """Runs the steps over the documents of bronze, then removes duplicates over the whole corpus.

    Input: `bronze`. The order of rows is that of bronze. Of duplicates the one is kept whose source comes
    first in `source_order` (sources that are not listed come after those that are), then the first by uri.
    Two passes: the first judges and spools, the second drops duplicates; what is held in memory for each
    document is a digest and a signature.
    """

    normalize: Normalize = Field(default_factory=Normalize)
    language: Language = Field(default_factory=Language)
    quality: Quality = Field(default_factory=Quality)
    pii: Redact = Field(default_factory=Redact)
    dedup: Deduplicate = Field(default_factory=Deduplicate)
    source_order: tuple[str, ...] = ()

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps on single documents, in their order."""
        return (self.normalize, self.language, self.quality, self.pii)

    @property
    def fingerprint(self) -> str:
        """Digest of everything but the documents that decides on the rows."""
        names = [step.fingerprint for step in (*self.steps, self.dedup)]
        return digest_json({"steps": names, "source_order": self.source_order})

    def __call__(self, workspace: Workspace) -> Produced:
        """Write the documents (SILVER) and the quarantine."""
        tally = _Tally()
        bronze = workspace.inputs["bronze"]
        spool = workspace.scratch / "silver-spool"
        shutil.rmtree(spool, ignore_errors=True)
        with (
            Quarantine(workspace.scratch / "silver-quarantine.jsonl") as quarantine,
            ShingleStore(workspace.scratch / "silver-shingles.bin") as store,
        ):
            deduplicator = Deduplicator(self.dedup, store)
            total = count_rows(bronze)
            survivors = self._judged(bronze, total, workspace, quarantine, deduplicator, tally)
            write_batches(spool, survivors, _SPOOL, key=SILVER.key)
            workspace.progress("silver: duplicates", 0, 0)
            dropped = {found.index: found for found in deduplicator.duplicates()}
            tally.refused[self.dedup.name] = len(dropped)
            kept = _unique(spool, dropped, quarantine, tally)
            count = write_batches(workspace.out, kept, SILVER.arrow, key=SILVER.key)
            quarantine.write(workspace.out / "quarantine")
            shutil.rmtree(spool)
            return self._produced(count, quarantine, tally)

    def _judged(
        self,
        bronze: Path,
        total: int,
        workspace: Workspace,
        quarantine: Quarantine,
        deduplicator: Deduplicator,
        tally: _Tally,
    ) -> Iterator[pa.RecordBatch]:
        for batch in read_batches(bronze):
            workspace.progress("silver", tally.documents_in, total)
            tally.documents_in += len(batch)
            tally.bytes_in += _bytes(batch)
            passed = batch
            for step in self.steps:
                passed = self._keep(step(passed), step.name, quarantine, tally)
            ranks = [self._rank(source) for source in strings(passed, "source")]
            attributes = [json.loads(fields) for fields in strings(passed, "attributes")]
            deduplicator.add(strings(passed, "text"), attributes, ranks)
            yield passed.select(_SPOOL.names).cast(_SPOOL)

    def _rank(self, source: str) -> int:
        return self.source_order.index(source) if source in self.source_order else len(self.source_order)

    def _keep(
        self, batch: pa.RecordBatch, step: str, quarantine: Quarantine, tally: _Tally
    ) -> pa.RecordBatch:
        if REASON not in batch.schema.names:
            return batch
        refused = batch.column(REASON).is_valid()
        for row in batch.filter(refused).to_pylist():
            tally.refused[step] += 1
            quarantine.add(
                Refusal(
                    row["uri"],
                    row["source"],
                    step,
                    row[REASON],
                    row[DETAIL],
                    row["raw_digest"],
                    row["document_id"],
                    self._excerpt(row["text"]),
                )
            )
        return batch.filter(batch.column(REASON).is_null()).drop_columns([REASON, DETAIL])

    def _excerpt(self, text: str) -> str:
        return self.pii.redact(text[:EXCERPT_LOOKAHEAD], Counter())[:EXCERPT_CHARACTERS]

    def _produced(self, count: int, quarantine: Quarantine, tally: _Tally) -> Produced:
        return Produced(
            rows=count,
            metrics={
                "documents_in": tally.documents_in,
                "documents": count,
                "bytes_in": tally.bytes_in,
                "bytes": tally.bytes_out,
                "redactions": tally.redactions.total(),
            },
            refused=quarantine.by_reason,
            tables={
                "waterfall": self._waterfall(tally),
                "languages": tuple(
                    {"language": language, "documents": number}
                    for language, number in tally.languages.most_common(SHOWN_LANGUAGES)
                ),
                "redactions": tuple(
                    {"kind": kind, "redactions": number} for kind, number in sorted(tally.redactions.items())
                ),
                "refused": quarantine.samples,
            },
        )

    def _waterfall(self, tally: _Tally) -> tuple[dict[str, Any], ...]:
        rows: list[dict[str, Any]] = []
        remaining = tally.documents_in
        for step in (*self.steps, self.dedup):
            refused = tally.refused[step.name]
            rows.append({"step": step.name, "in": remaining, "refused": refused, "out": remaining - refused})
            remaining -= refused
        return tuple(rows)


_SPOOL = pa.schema([field for field in SILVER.arrow if field.name != "duplicates"])


def _unique(
    spool: Path, dropped: dict[int, Duplicate], quarantine: Quarantine, tally: _Tally
) -> Iterator[pa.RecordBatch]:
    """The spooled documents without the dropped ones, each with the ids of those dropped for it."""
    kept_uris, clusters = _clusters(spool, dropped)
    start = 0
    for batch in read_batches(spool):
        indices = range(start, start + len(batch))
        start += len(batch)
        lost = [index in dropped for index in indices]
        for index, row in zip(
            (index for index in indices if index in dropped),
            batch.filter(pa.array(lost)).to_pylist(),
            strict=True,
        ):
            found = dropped[index]
            quarantine.add(
                Refusal(
                    row["uri"],
                    row["source"],
                    Deduplicate.name,
                    found.reason,
                    f"kept {kept_uris[found.kept]}; {found.describe()}",
                    row["raw_digest"],
                    row["document_id"],
                    row["text"],
                )
            )
        kept = batch.filter(pa.array([not one for one in lost]))
        tally.bytes_out += _bytes(kept)
        tally.languages.update(strings(kept, "language"))
        for redactions in strings(kept, "redactions"):
            tally.redactions.update(json.loads(redactions))
        duplicates = [sorted(clusters.get(index, ())) for index in indices if index not in dropped]
        column = pa.array(duplicates, SILVER.arrow.field("duplicates").type)
        yield pa.RecordBatch.from_arrays([*kept.columns, column], schema=SILVER.arrow)


def _clusters(spool: Path, dropped: dict[int, Duplicate]) -> tuple[dict[int, str], dict[int, list[str]]]:
    """Uri of each kept document that has duplicates, and their ids."""
    wanted = {found.kept for found in dropped.values()}
    uris: dict[int, str] = {}
    members: dict[int, list[str]] = {}
    index = 0
    for batch in read_batches(spool, ["uri", "document_id"]):
        for uri, identifier in zip(strings(batch, "uri"), strings(batch, "document_id"), strict=True):
            if index in wanted:
                uris[index] = uri
            if index in dropped:
                members.setdefault(dropped[index].kept, []).append(identifier)
            index += 1
    return uris, members


def _bytes(batch: pa.RecordBatch) -> int:
    return sum(len(text.encode()) for text in strings(batch, "text"))
