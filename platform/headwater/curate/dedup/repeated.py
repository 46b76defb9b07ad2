"""Which text that stands in several documents is removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from headwater.curate.step import StepSettings, Verdict, with_columns, with_verdicts

if TYPE_CHECKING:
    from headwater.curate.dedup.repeated_table import RepeatedTable

Unit = Literal["word", "sentence", "line", "paragraph"]
REPEATED = "repeated_text"
GONE = "_gone_"
"""Begin of the columns that say which documents have nothing left."""


class RemoveRepeated(StepSettings):
    """Removes runs of `span` lines, paragraphs, sentences or words that stand in several documents.

    Compared are words without letter case, punctuation and layout. A run counts if it has `min_words` words
    and stands in at least `documents` documents (`within` one source or the corpus). It is then removed
    everywhere but, with `keep: first`, in the first document that has it. Repetition inside one document is
    left alone. A document of which nothing is left is refused.

    Settings of the field:
    - boilerplate lines: `unit: line, documents: 7, within: source, keep: none`. Llama 3 (Dubey et al., 2024,
      section 3.1.1) removes lines seen more than 6 times in a bucket of 30 million documents; the line as
      the unit, without case and punctuation, is that of CCNet (Wenzek et al., 2020), which folds digits too.
    - paragraphs seen in an earlier document: `unit: paragraph`, as in Dolma (Soldaini et al., 2024).
    - three-sentence spans: `unit: sentence, span: 3`, as in C4 (Raffel et al., 2020, section 2.2).
    - substrings: `unit: word, span: 50`, after Lee et al. (Deduplicating Training Data Makes Language Models
      Better, 2022), who take 50 tokens of a byte-pair vocabulary and count repetition inside documents too.

    It must stand first in the list, for it compares the documents as they came; further ones may follow it if
    each has another unit. It sets `text_digest` anew and adds `repeated_<unit>_bytes`, the bytes that it
    removed.

    Each run is compared by 64 bits of hash and, where those are equal, by 64 bits of a second hash.
    `min_words` keeps short headings and labels, of which real documents share many; it is this project's
    choice.
    """

    name: ClassVar[str] = "repeated"
    modules: ClassVar[tuple[str, ...]] = (
        "headwater.curate.dedup.letters",
        "headwater.curate.dedup.repeated_runs",
        "headwater.curate.dedup.repeated_table",
        "headwater.curate.kernels.dedup_units",
        "headwater.curate.kernels.shingles",
    )
    libraries: ClassVar[tuple[str, ...]] = ("xxhash",)
    unit: Unit = "line"
    span: Annotated[int, Field(ge=1)] = 1
    min_words: Annotated[int, Field(ge=1)] = 3
    documents: Annotated[int, Field(ge=2)] = 2
    within: Literal["source", "corpus"] = "corpus"
    keep: Literal["first", "none"] = "first"

    @property
    def removed_column(self) -> str:
        """Where the engine notes how many bytes it removed from each document."""
        return f"_removed_{self.unit}"

    @property
    def gone_column(self) -> str:
        """Where the engine notes whether nothing was left of a document, which then keeps its text."""
        return f"{GONE}{self.unit}"

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Refuse documents of which nothing was left; the text was removed before (`engine.repeated`)."""
        removed = batch.column(self.removed_column).to_pylist()
        gone = batch.column(self.gone_column).to_pylist()
        verdicts = [
            Verdict(REPEATED, f"all {size} bytes of {self.unit}s stand in other documents")
            if nothing
            else None
            for size, nothing in zip(removed, gone, strict=True)
        ]
        found = with_columns(batch, **{f"repeated_{self.unit}_bytes": batch.column(self.removed_column)})
        return with_verdicts(found, verdicts)

    def observe(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The different runs of each document of `batch`, one row for each, in a column `runs` of hashes.

        Reads the columns text and source; a function of each document alone.
        """
        from headwater.curate.dedup.repeated_runs import observe

        return observe(self, batch)

    def apply(
        self, batch: pa.RecordBatch, numbers: np.ndarray[Any, np.dtype[np.int64]], table: RepeatedTable
    ) -> pa.RecordBatch:
        """The batch without the text that `table` (of `find_repeated`) names, and the verdicts of a step.

        `numbers` are the places of its documents in the corpus. Adds the column `repeated_bytes`: bytes that
        were removed. Columns that depend on the text are as they were.
        """
        from headwater.curate.dedup.repeated_runs import apply

        return apply(self, batch, numbers, table)
