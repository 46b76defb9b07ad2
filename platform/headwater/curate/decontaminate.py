"""Decontamination: documents that hold a question of an evaluation are kept out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field, field_validator, model_validator

from headwater.curate.step import StepSettings, Verdict, with_verdicts
from headwater.fingerprint import digest_file, digest_json

SHOWN_CHARACTERS = 80


class Decontaminate(StepSettings):
    """Refuses documents that share a run of `words` words with a text that models are judged by.

    `against` names the files with those texts: JSON lines or Parquet (the column `field`) or one text a line.
    Thirteen words in common, punctuation and letter case aside, is the rule of GPT-3 (Brown et al., 2020,
    appendix C). A shorter text counts as one run of all its words if it has at least `min_words`: fewer say
    nothing. Refuses with `contaminated` and the beginning of the text that was found.
    """

    name: ClassVar[str] = "decontaminate"
    modules: ClassVar[tuple[str, ...]] = (
        "headwater.curate.dedup.letters",
        "headwater.curate.dedup.shingles",
        "headwater.curate.kernels.shingles",
    )
    against: Annotated[tuple[Path, ...], Field(min_length=1)]
    field: str = "text"
    words: Annotated[int, Field(ge=1, le=64)] = 13
    min_words: Annotated[int, Field(ge=1)] = 8

    @field_validator("against")
    @classmethod
    def _files_exist(cls, files: tuple[Path, ...]) -> tuple[Path, ...]:
        missing = [str(path) for path in files if not path.is_file()]
        if missing:
            raise ValueError(f"no such file: {', '.join(missing)}")
        return files

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.min_words > self.words:
            raise ValueError(f"min_words ({self.min_words}) must be at most words ({self.words})")
        return self

    def _digest(self, exclude: tuple[str, ...]) -> str:
        own = super()._digest((*exclude, "against"))
        return digest_json([own, [digest_file(path) for path in self.against]])

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Adds the verdict."""
        seen = tuple((path, path.stat().st_mtime_ns) for path in self.against)
        known = _evaluation(seen, self.field, self.words, self.min_words)
        return with_verdicts(batch, known.verdicts(batch.column("text")))


@dataclass(frozen=True)
class _Evaluation:
    """Runs of words of the texts to keep out, by their length: sorted hashes and the text of each."""

    texts: Sequence[str]
    runs: Sequence[tuple[int, np.ndarray[Any, np.dtype[np.uint64]], np.ndarray[Any, np.dtype[np.int64]]]]

    def verdicts(self, column: pa.Array) -> list[Verdict | None]:
        from headwater.curate.dedup.shingles import shingles

        found: list[Verdict | None] = [None] * len(column)
        for words, hashes, numbers in self.runs:
            own, ends = shingles(column, words)
            places = np.searchsorted(hashes, own).clip(max=len(hashes) - 1)
            hits = np.flatnonzero(hashes[places] == own)
            documents = np.searchsorted(ends, hits, side="right") - 1
            for document, hit in zip(documents.tolist(), hits.tolist(), strict=True):
                if found[document] is None:
                    text = self.texts[int(numbers[places[hit]])]
                    found[document] = Verdict("contaminated", f"{words} words of {text[:SHOWN_CHARACTERS]!r}")
        return found


@lru_cache(maxsize=4)
def _evaluation(files: tuple[tuple[Path, int], ...], field: str, words: int, min_words: int) -> _Evaluation:
    from headwater.curate.dedup.shingles import shingles

    texts = [text for path, _ in files for text in _read(path, field)]
    column = pa.array(texts, pa.string())
    _, ends = shingles(column, 1)
    lengths = np.minimum(np.diff(ends), words)
    runs: list[tuple[int, np.ndarray[Any, Any], np.ndarray[Any, Any]]] = []
    for length in sorted(set(lengths[lengths >= min_words].tolist()), reverse=True):
        chosen = np.flatnonzero(lengths == length)
        hashes, limits = shingles(column.take(pa.array(chosen)), length)
        numbers = np.repeat(chosen, np.diff(limits))
        unique, first = np.unique(hashes, return_index=True)
        runs.append((int(length), unique, numbers[first]))
    return _Evaluation(texts, runs)


def _read(path: Path, field: str) -> Iterator[str]:
    """The texts of a file. Raises `ValueError` that names the file where the field is missing."""
    if path.suffix == ".parquet":
        yield from pq.read_table(path, columns=[field])[field].to_pylist()
        return
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if path.suffix not in (".jsonl", ".ndjson"):
                yield line.rstrip("\n")
                continue
            record = json.loads(line)
            if field not in record:
                raise ValueError(
                    f"{path}, line {number}: no field {field!r}; it has {', '.join(sorted(record))}"
                )
            yield str(record[field])
