"""The runs of units of Arrow batches: what is observed of them, and the texts without repeated ones."""

# pyright: reportAttributeAccessIssue=false
# (pyarrow.compute makes its functions at run time)
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from headwater.curate.dedup.letters import letters
from headwater.curate.dedup.repeated import REPEATED, RemoveRepeated
from headwater.curate.dedup.repeated_table import RepeatedTable
from headwater.curate.kernels.buffers import Offsets, TextBuffers
from headwater.curate.kernels.dedup_units import (
    LINE,
    PARAGRAPH,
    SENTENCE,
    WORD,
    holds_repeated,
    note_checks,
    run_hashes,
    without_repeated,
)
from headwater.curate.kernels.shingles import SEED, Hashes
from headwater.curate.step import DETAIL, REASON, with_columns

OBSERVED = pa.schema([pa.field("runs", pa.large_list(pa.uint64()), nullable=False)])
_SECOND_SEED = np.uint64(0x1F83D9ABFB41BD6B)
_UNITS = {"word": WORD, "sentence": SENTENCE, "line": LINE, "paragraph": PARAGRAPH}


@dataclass(frozen=True)
class _Runs:
    begins: Offsets
    hashes: Hashes
    ends: Offsets


def observe(settings: RemoveRepeated, batch: pa.RecordBatch) -> pa.RecordBatch:
    """The different runs of each document, sorted (`OBSERVED`); reads the columns text and source.

    A function of each document alone, so that it can be made in parallel and kept.
    """
    found = _runs(settings, TextBuffers.of(batch.column("text")), _salts(settings, batch), SEED)
    for begin, end in zip(found.ends[:-1].tolist(), found.ends[1:].tolist(), strict=True):
        found.hashes[begin:end].sort()
    fresh = found.hashes > 0
    fresh[1:] &= found.hashes[1:] != found.hashes[:-1]
    begins = found.ends[:-1]
    begins = begins[begins < len(found.hashes)]
    fresh[begins] = found.hashes[begins] > 0
    counted = np.concatenate(([0], np.cumsum(fresh)))
    values = pa.array(found.hashes[fresh])
    runs = pa.LargeListArray.from_arrays(pa.array(counted[found.ends], pa.int64()), values)
    return pa.RecordBatch.from_arrays([runs], schema=OBSERVED)


def apply(
    settings: RemoveRepeated, batch: pa.RecordBatch, numbers: Offsets, table: RepeatedTable
) -> pa.RecordBatch:
    """The batch without the text that `table` names; `numbers` are its documents' places in the corpus.

    Adds the column `repeated_bytes` and refuses documents of which nothing is left.
    """
    text = batch.column("text")
    removed = np.zeros(len(batch), dtype=np.int64)
    touched = _touched(settings, batch, table)
    left = _left(settings, batch.filter(touched), np.asarray(numbers)[touched], table)
    sizes = [pc.binary_length(one).to_numpy() for one in (text.filter(touched), left)]
    removed[touched] = sizes[0].astype(np.int64) - sizes[1]
    gone = np.zeros(len(batch), dtype=np.bool_)
    gone[touched] = (sizes[1] == 0) & (removed[touched] > 0)
    # What is refused keeps its text: someone will read it.
    changed = pa.array(touched & ~gone)
    shown = left.filter(pa.array(~gone[touched])).cast(text.type)
    nothing = pa.nulls(len(batch), pa.string())
    details = [f"all {size} bytes stand in other documents" for size in removed[gone].tolist()]
    return with_columns(
        batch,
        text=pc.replace_with_mask(text, changed, shown),
        repeated_bytes=pa.array(removed),
        **{
            REASON: pc.if_else(pa.array(gone), REPEATED, nothing),
            DETAIL: pc.replace_with_mask(nothing, pa.array(gone), pa.array(details, pa.string())),
        },
    )


def _touched(
    settings: RemoveRepeated, batch: pa.RecordBatch, table: RepeatedTable
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which documents have a run of the table, going by its first hash."""
    found = _runs(settings, TextBuffers.of(batch.column("text")), _salts(settings, batch), SEED)
    hashes, index, shift, _, _ = table.arrays
    touched = np.zeros(len(batch), dtype=np.uint8)
    holds_repeated(found.hashes, found.ends, hashes, index, shift, touched)
    return touched > 0


def _left(
    settings: RemoveRepeated, batch: pa.RecordBatch, numbers: Offsets, table: RepeatedTable
) -> pa.Array:
    """What is left of the texts."""
    texts = TextBuffers.of(batch.column("text"))
    salts = _salts(settings, batch)
    found = _runs(settings, texts, salts, SEED)
    second = _runs(settings, texts, salts, _SECOND_SEED)
    out = np.empty(int(texts.sizes.sum()), dtype=np.uint8)
    offsets = np.empty(len(texts) + 1, dtype=np.int64)
    without_repeated(
        texts.data,
        texts.offsets,
        found.begins,
        found.hashes,
        second.hashes,
        found.ends,
        settings.span,
        numbers.astype(np.int64),
        *table.arrays,
        settings.keep == "first",
        out,
        offsets,
    )
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(out[: offsets[-1]])]
    return pa.Array.from_buffers(pa.large_string(), len(texts), buffers)


def check(
    settings: RemoveRepeated, batch: pa.RecordBatch, numbers: Offsets, table: RepeatedTable, checks: Hashes
) -> None:
    """Write to `checks` the second hashes of the runs of `table` that first stand in these documents."""
    texts = TextBuffers.of(batch.column("text"))
    salts = _salts(settings, batch)
    found = _runs(settings, texts, salts, SEED)
    second = _runs(settings, texts, salts, _SECOND_SEED)
    hashes, index, shift, first, _ = table.arrays
    note_checks(
        found.hashes,
        second.hashes,
        found.ends,
        np.asarray(numbers, dtype=np.int64),
        hashes,
        index,
        shift,
        first,
        checks,
    )


def _runs(settings: RemoveRepeated, texts: TextBuffers, salts: Hashes, seed: np.uint64) -> _Runs:
    room = int(texts.sizes.sum()) // 2 + len(texts)
    begins, hashes = np.empty(room, dtype=np.int64), np.empty(room, dtype=np.uint64)
    ends = np.empty(len(texts) + 1, dtype=np.int64)
    count = run_hashes(
        texts.data,
        texts.offsets,
        _UNITS[settings.unit],
        settings.span,
        settings.min_words,
        letters(),
        seed,
        salts,
        begins,
        hashes,
        ends,
    )
    return _Runs(begins[:count], hashes[:count], ends)


def _salts(settings: RemoveRepeated, batch: pa.RecordBatch) -> Hashes:
    if settings.within == "corpus":
        return np.zeros(len(batch), dtype=np.uint64)
    encoded = pc.dictionary_encode(batch.column("source"))
    sources: list[str] = encoded.dictionary.to_pylist()
    salts = [xxhash.xxh3_64_intdigest(source.encode()) for source in sources]
    return np.array(salts, dtype=np.uint64)[encoded.indices.to_numpy()]
