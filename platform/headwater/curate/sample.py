"""Sampling: a stated share of the documents of each source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

import pyarrow as pa
import xxhash
from pydantic import Field

from headwater.curate.step import StepSettings, Verdict, strings, with_verdicts

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class Sample(StepSettings):
    """Keeps a share of each source's documents, so that sources stand in the mix that is wanted.

    `shares` maps a source to the share of its documents that stays, `default` is that of the others. Which
    ones stay is decided by a hash of the document's id and `seed` alone (Duffield and Grossglauser,
    trajectory sampling, SIGCOMM 2000): the same whatever other documents there are, and a larger share keeps
    all that a smaller one keeps. Refuses with `not_sampled`.
    """

    name: ClassVar[str] = "sample"
    libraries: ClassVar[tuple[str, ...]] = ("xxhash",)
    shares: Mapping[str, Share] = Field(default_factory=dict[str, float])
    default: Share = 1.0
    seed: int = 0

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Adds the verdict."""
        pairs = zip(strings(batch, "document_id"), strings(batch, "source"), strict=True)
        return with_verdicts(batch, [self._verdict(identifier, source) for identifier, source in pairs])

    def _verdict(self, identifier: str, source: str) -> Verdict | None:
        share = self.shares.get(source, self.default)
        place = xxhash.xxh3_64_intdigest(identifier.encode(), self.seed & 0xFFFFFFFFFFFFFFFF) / 2**64
        return None if place < share else Verdict("not_sampled", f"{share:g} of the source {source} is kept")
