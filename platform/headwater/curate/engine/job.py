"""What a worker process is told: where everything stands and how documents are judged."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Self

import pyarrow as pa

from headwater.curate.engine.chain import Chain
from headwater.sources.base import Settings
from headwater.tables import parts

SETTINGS = "job.json"
BATCH_ROWS = 1024


class Job(Settings):
    """One build of silver. `folder` is scratch; `previous` is the last version if rows of it can be used."""

    chain: Chain
    bronze: Path
    previous: Path | None
    folder: Path
    out: Path
    batch_rows: int = BATCH_ROWS

    @cached_property
    def units(self) -> list[Path]:
        """The parts of bronze, without the text that `repeated` steps remove."""
        return self.inputs(len(self.chain.repeated))

    def inputs(self, stage: int) -> list[Path]:
        """What the `repeated` step of this number reads, and the one before it writes."""
        came = parts(self.bronze)
        return [self.folder / f"without-{stage}" / path.name for path in came] if stage else came

    def repeated_runs(self, stage: int, number: int) -> Path:
        """Where the runs of a part stand."""
        return self.folder / f"runs-{stage}" / f"{number:05d}.arrow"

    def repeated_table(self, stage: int) -> Path:
        """Where the runs to remove stand."""
        return self.folder / f"table-{stage}"

    def group(self, first: int, stop: int) -> Path:
        """Where what was found in the new rows of these units stands."""
        return self.folder / "judged" / f"{first:05d}-{stop:05d}"

    @cached_property
    def documents(self) -> pa.Schema:
        """The columns of silver but `duplicates`."""
        return self._schema("documents")

    @cached_property
    def refusals(self) -> pa.Schema:
        """The columns of the quarantine."""
        return self._schema("refusals")

    @cached_property
    def silver(self) -> pa.Schema:
        """The columns of silver."""
        return self._schema("silver")

    def save(self, silver: pa.Schema, refusals: pa.Schema) -> None:
        """Write it for the workers. The schemas are handed over, for their definition loads slowly."""
        documents = pa.schema([field for field in silver if field.name != "duplicates"])
        for name, schema in (("documents", documents), ("refusals", refusals), ("silver", silver)):
            (self.folder / f"{name}.schema").write_bytes(schema.serialize().to_pybytes())
        (self.folder / SETTINGS).write_text(self.model_dump_json(), encoding="utf-8")

    @classmethod
    def open(cls, folder: Path) -> Self:
        """The job that was saved in a folder."""
        return cls.model_validate_json((folder / SETTINGS).read_text(encoding="utf-8"))

    def _schema(self, name: str) -> pa.Schema:
        return pa.ipc.read_schema(pa.py_buffer((self.folder / f"{name}.schema").read_bytes()))
