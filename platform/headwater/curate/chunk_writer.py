"""Passages, written anew where a document changed and taken over where it did not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from headwater.curate.engine.keys import KeyIndex
from headwater.curate.engine.rows import Numbers, Rows
from headwater.schemas import CHUNK_STATE, CHUNKS
from headwater.tables import BATCH_ROWS, PartWriter, parts, read_json, read_table, write_batches

if TYPE_CHECKING:
    from headwater.curate.engine.units import Mask

STATE = "state"
FINGERPRINT_FILE = "_fingerprint.json"
Passages = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Tokens:
    """Tokens of all passages, of the longest, and the most passages of a document."""

    total: int
    longest: int
    most: int


def usable(previous: Path | None, fingerprint: str) -> Path | None:
    """The last version, if it was made in the same way."""
    if previous is None or not (previous / STATE / FINGERPRINT_FILE).exists():
        return None
    stored = read_json(previous / STATE / FINGERPRINT_FILE)["fingerprint"]
    return previous if stored == fingerprint else None


class PassageWriter:
    """Writes the passages of one document after the other, and the state. A part of which every row is taken
    over is copied as a file."""

    def __init__(self, out: Path, previous: Path | None) -> None:
        self._out = out
        self._writer = PartWriter(out, CHUNKS.arrow, key=CHUNKS.key)
        self._last = _Last(previous) if previous is not None else None
        self._run = (0, 0)
        self._pending: list[Mapping[str, Any]] = []
        self._state: list[pa.RecordBatch] = []
        self.cut = 0

    def known(self, keys: pa.Array) -> Mask:
        """Of which documents the passages are known."""
        return self._find(keys) >= 0

    def add(self, keys: pa.Array, ids: pa.Array, fresh: Iterable[Passages]) -> None:
        """Write the passages of further documents; `fresh` yields those of each that is not known."""
        found = self._find(keys)
        counts = np.zeros((len(keys), 3), dtype=np.int64)
        cut = iter(fresh)
        for index, row in enumerate(found.tolist()):
            if row >= 0 and self._last is not None:
                counts[index] = self._last.counts[row]
                self._take(int(self._last.starts[row]), int(self._last.starts[row + 1]))
            else:
                passages = next(cut)
                tokens = [passage["tokens"] for passage in passages]
                counts[index] = (len(passages), sum(tokens), max(tokens, default=0))
                self._make(passages)
        columns = [ids, keys, *(pa.array(column) for column in counts.T)]
        self._state.append(pa.RecordBatch.from_arrays(columns, schema=CHUNK_STATE.arrow))

    def close(self) -> int:
        """Write what is left and the state; returns the number of passages."""
        self._copy_run(last=True)
        self._write_pending()
        write_batches(self._out / STATE, self._state, CHUNK_STATE.arrow, key=CHUNK_STATE.key)
        return self._writer.close()

    @property
    def tokens(self) -> Tokens:
        """Over everything that was written."""
        state = pa.Table.from_batches(self._state, schema=CHUNK_STATE.arrow)
        chunks, tokens, longest = (state[name].to_numpy() for name in ("chunks", "tokens", "tokens_max"))
        return Tokens(int(tokens.sum()), int(longest.max(initial=0)), int(chunks.max(initial=0)))

    def _find(self, keys: pa.Array) -> Numbers:
        return np.full(len(keys), -1, dtype=np.int64) if self._last is None else self._last.index.find(keys)

    def _make(self, passages: Passages) -> None:
        self._copy_run()
        self.cut += 1
        self._pending += passages
        if len(self._pending) >= BATCH_ROWS:
            self._write_pending()

    def _write_pending(self) -> None:
        if self._pending:
            self._writer.add(pa.RecordBatch.from_pylist(self._pending, schema=CHUNKS.arrow))
            self._pending = []

    def _take(self, begin: int, end: int) -> None:
        """Take over rows of the last version; those that follow each other are gathered first."""
        if self._run[1] != begin:
            self._copy_run()
            self._run = (begin, begin)
        self._run = (self._run[0], end)

    def _copy_run(self, *, last: bool = False) -> None:
        row, end = self._run
        self._run = (end, end)
        if self._last is None or row == end:
            return
        self._write_pending()
        chunks = self._last.chunks
        while row < end:
            part = chunks.part_of(row)
            after = int(chunks.starts[part + 1])
            # The last part ended with its data, not with a mark: with rows behind it, it would go on.
            whole = after < end or (after == end and (last or after < chunks.starts[-1]))
            if self._writer.between_parts and row == chunks.starts[part] and whole:
                self._writer.copy(chunks.files[part], after - row)
            else:
                table = chunks.take(np.arange(row, min(after, end)), CHUNKS.arrow.names)
                for batch in table.cast(CHUNKS.arrow).to_batches():
                    self._writer.add(batch)
            row = min(after, end)


class _Last:
    """The last version: its passages, and of each document its key and where its passages stand."""

    def __init__(self, folder: Path) -> None:
        state = read_table(folder / STATE)
        self.chunks = Rows(parts(folder))
        self.index = KeyIndex.of(state["key"].combine_chunks())
        self.counts = np.stack(
            [state[name].to_numpy() for name in ("chunks", "tokens", "tokens_max")], axis=1
        )
        self.starts: Numbers = np.concatenate([[0], np.cumsum(self.counts[:, 0])])
