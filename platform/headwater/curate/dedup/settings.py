"""How duplicates are found and which one of them stays."""

from __future__ import annotations

import unicodedata
from typing import Annotated, ClassVar, Literal, Self

import pyarrow as pa
from pydantic import Field, model_validator

from headwater.curate.step import StepSettings
from headwater.fingerprint import code_version, digest_json, library_versions

EXACT = "exact_duplicate"
NEAR = "near_duplicate"
MAX_SHINGLE_WORDS = 8
_SKETCHING = (
    "headwater.curate.dedup.letters",
    "headwater.curate.dedup.shingles",
    "headwater.curate.dedup.sketch",
    "headwater.curate.kernels.shingles",
)
_SEARCHING = (
    "headwater.curate.dedup.buckets",
    "headwater.curate.dedup.corpus",
    "headwater.curate.dedup.find",
    "headwater.curate.dedup.known",
    "headwater.curate.dedup.similarity",
    "headwater.curate.kernels.dedup_pairs",
)


class Deduplicate(StepSettings):
    """Keeps one document of each cluster of duplicates.

    Exact duplicates have equal text. Near duplicates are found by MinHash (Broder, On the resemblance and
    containment of documents, 1997) over shingles of `shingle_words` words and locality-sensitive hashing
    (Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, chapter 3): signatures of `permutations`
    values in `bands` bands. With 21 bands of 6 a pair of similarity 0.8 meets in some band with probability
    0.998, one of 0.5 with 0.28. A pair that meets and whose signatures agree well enough is compared exactly;
    clusters are the connected components of the pairs whose Jaccard similarity is at least `threshold`.

    Cost is linear whatever the documents: in a band, a document is compared with at most `max_compared`
    others of its bucket. In larger buckets, whose documents are sorted by further bands first, a pair can
    therefore be missed; which one does not depend on the order of the documents.

    Of a cluster that document stays which `keep` prefers:
    `best_source` the one of the lowest rank, which is the place of its source in the tier's order of sources;
    `longest` the one with the most characters;
    `oldest` the one with the earliest time in the attribute `oldest_by` (ISO 8601; without a zone it counts
    as UTC), and those without a readable time last; with no `oldest_by`, the first in the corpus.
    What is equal is decided by rank and then by the place in the corpus.

    Documents whose attributes named in `distinct_by` differ are never merged.
    """

    name: ClassVar[str] = "dedup"
    modules: ClassVar[tuple[str, ...]] = (*_SKETCHING, *_SEARCHING)
    libraries: ClassVar[tuple[str, ...]] = ("rensa", "xxhash")
    exact: bool = True
    near: bool = True
    threshold: Annotated[float, Field(gt=0.0, le=1.0)] = 0.8
    shingle_words: Annotated[int, Field(ge=1, le=MAX_SHINGLE_WORDS)] = 5
    permutations: Annotated[int, Field(ge=16, le=1024)] = 128
    bands: Annotated[int, Field(ge=1)] = 21
    max_compared: Annotated[int, Field(ge=1)] = 32
    distinct_by: tuple[str, ...] = ()
    keep: Literal["best_source", "longest", "oldest"] = "best_source"
    oldest_by: str | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.bands > self.permutations:
            raise ValueError(f"bands ({self.bands}) must be at most permutations ({self.permutations})")
        if self.oldest_by is not None and self.keep != "oldest":
            raise ValueError(f"oldest_by needs keep: oldest, not {self.keep}")
        return self

    @property
    def rows(self) -> int:
        """Values of a signature that make one band."""
        return self.permutations // self.bands

    @property
    def sketch_fingerprint(self) -> str:
        """Digest of what `sketch` depends on besides the batch, and of what known similarities depend on.

        Unlike `fingerprint` it stays the same when the threshold, the bands or the document to keep change:
        sketches and known pairs can then be used again.
        """
        return digest_json(
            {
                "code": code_version(*_SKETCHING),
                "parameters": [
                    self.near,
                    self.shingle_words,
                    self.permutations,
                    self.distinct_by,
                    self.oldest_by,
                ],
                "libraries": library_versions(*self.libraries),
                "unicode": unicodedata.unidata_version,
            }
        )

    def sketch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """One row for each document of `batch`, in its order; reads the columns text and attributes.

        Columns: see `SKETCH`. The result is a function of each document alone.
        """
        from headwater.curate.dedup.sketch import sketch

        return sketch(self, batch)
