"""The silver tier: documents that are normalized, judged, redacted and unique."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from headwater.curate.engine.chain import Chain
from headwater.fingerprint import digest_json
from headwater.workspace import Produced, Workspace


class SilverMaker(Chain):
    """Runs the steps over the documents of bronze, then removes duplicates over the whole corpus.

    Input: `bronze`. The order of rows is that of bronze. Which one of duplicates is kept, `dedup` says; the
    rank of a document is the place of its source in `source_order` (sources that are not listed come last).

    Parts of bronze are judged by `workers` processes (null: one for each core, at most eight; a small corpus
    is judged in this process). Rows of the last version whose row in bronze and whose steps did not change
    are taken over. Neither changes the result. Memory is that of one part of bronze for each worker, and
    about a hundred bytes for each document.
    """

    workers: Annotated[int | None, Field(ge=1, exclude=True)] = None

    @property
    def fingerprint(self) -> str:
        """Digest of everything but the documents that decides on the rows."""
        names = [step.fingerprint for step in (*self.steps, self.dedup)]
        return digest_json({"steps": names, "source_order": self.source_order})

    def __call__(self, workspace: Workspace) -> Produced:
        """Write the documents (SILVER), the quarantine and the state."""
        # What makes the tier is imported by those who make it, not by everyone who configures it.
        from headwater.curate.engine.build import build
        from headwater.curate.engine.job import BATCH_ROWS
        from headwater.curate.engine.report import report

        chain = Chain(steps=self.steps, dedup=self.dedup, source_order=self.source_order)
        built = build(chain, workspace, self.workers, BATCH_ROWS)
        return report(built, workspace)
