"""Corpus: raw sources to clean documents and passages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Self

import dagster as dg
from pydantic import BaseModel, Field

from headwater.components.assets import Asset
from headwater.components.cron import Cron
from headwater.components.jobs import job_name
from headwater.components.product_component import ProductAttributes, ProductComponent
from headwater.components.source_sensor import source_sensor
from headwater.curate.bronze import BronzeMaker
from headwater.curate.chunk import ChunkMaker
from headwater.curate.raw import RawMaker
from headwater.curate.silver import SilverMaker
from headwater.lake.erased import erasures_pin
from headwater.lake.protocol import Lake
from headwater.lake.recipe import Declared, Pin, Recipe
from headwater.schemas import BRONZE, CHUNK_STATE, CHUNKS, DUPLICATES, PAIRS, QUARANTINE, RAW, SILVER, STATE
from headwater.source_changes import DEFAULT_SETTLE_SECONDS
from headwater.sources import Folder, SourceConfig

CODE = ("headwater.curate", "headwater.sources")
WATERFALL = Declared("waterfall", "What came in was refused by one step or came out: documents and bytes")


class CorpusAttributes(ProductAttributes):
    """What `defs.yaml` may say of a corpus."""

    sources: Annotated[tuple[SourceConfig, ...], Field(min_length=1)] = Field(
        description="Where the files come from; `kind` is folder, package or distributions"
    )
    max_shrink: Annotated[float, Field(ge=0.0, le=1.0)] = Field(
        default=0.5, description="Share of a source's files that may vanish at once before the run stops"
    )
    max_document_bytes: Annotated[int, Field(gt=0)] = Field(
        default=32 << 20, description="Larger files are quarantined as too_large"
    )
    silver: SilverMaker = Field(
        default_factory=SilverMaker, description="How documents are judged, redacted and deduplicated"
    )
    chunks: ChunkMaker = Field(
        default_factory=ChunkMaker, description="Which documents are cut into passages, and how"
    )
    schedule: Cron | None = Field(
        default=None, description="When to look at the sources, as a cron expression; null: when asked"
    )
    settle_seconds: Annotated[float, Field(ge=0.0, le=3600.0)] = Field(
        default=DEFAULT_SETTLE_SECONDS,
        description="The source sensor leaves a file that changed so recently for its next look",
    )


class Corpus(ProductComponent):
    """Raw files, documents (bronze), clean documents (silver) and passages of a product."""

    attributes_model = CorpusAttributes
    attributes: CorpusAttributes

    @classmethod
    def load(cls, attributes: BaseModel | None, context: dg.ComponentLoadContext) -> Self:
        """Make the component; relative folders count from the folder of the `defs.yaml`."""
        loaded = super().load(attributes, context)
        given = loaded.attributes
        sources = tuple(
            source.model_copy(update={"path": context.path / source.path})
            if isinstance(source, Folder)
            else source
            for source in given.sources
        )
        return cls(loaded.product, given.model_copy(update={"sources": sources}))

    def assets(self) -> Sequence[Asset]:
        """raw, bronze, silver, chunks."""
        given, product = self.attributes, self.product
        raw = RawMaker(sources=given.sources, max_shrink=given.max_shrink)
        bronze = BronzeMaker.of(given.sources, max_document_bytes=given.max_document_bytes)

        def erased(lake: Lake, head: str, versions: Mapping[str, str]) -> Mapping[str, Pin]:
            del versions  # the list decides by itself
            return erasures_pin(lake, head, product)

        return [
            Asset(
                Recipe(
                    product,
                    "raw",
                    maker=raw,
                    code=CODE,
                    datasets={"": RAW, "quarantine": QUARANTINE},
                    config=raw.model_dump(mode="json"),
                    observes=True,
                    pins=erased,
                ),
                tier="raw",
                kinds=("file", "parquet"),
                description="The original bytes of every source file, named by digest, with a manifest.",
            ),
            Asset(
                Recipe(
                    product,
                    "bronze",
                    maker=bronze,
                    inputs=("raw",),
                    code=CODE,
                    datasets={"": BRONZE, "quarantine": QUARANTINE},
                    checks=(WATERFALL,),
                    config={**bronze.model_dump(mode="json"), "fingerprint": bronze.fingerprint},
                    pins=erased,
                ),
                tier="bronze",
                kinds=("python", "parquet"),
                description="One row per document: text extracted from its file, nothing judged yet.",
            ),
            Asset(
                Recipe(
                    product,
                    "silver",
                    maker=given.silver,
                    inputs=("bronze",),
                    code=CODE,
                    datasets={
                        "": SILVER,
                        "quarantine": QUARANTINE,
                        "state": STATE,
                        "state/duplicates": DUPLICATES,
                        "state/pairs": PAIRS,
                    },
                    checks=(WATERFALL,),
                    config={**given.silver.model_dump(mode="json"), "fingerprint": given.silver.fingerprint},
                ),
                tier="silver",
                kinds=("python", "parquet"),
                description="Documents normalized, judged, redacted and unique; refusals with their reason.",
            ),
            Asset(
                Recipe(
                    product,
                    "chunks",
                    maker=given.chunks,
                    inputs=("silver",),
                    code=CODE,
                    datasets={"": CHUNKS, "state": CHUNK_STATE},
                    config={**given.chunks.model_dump(mode="json"), "fingerprint": given.chunks.fingerprint},
                ),
                tier="gold",
                kinds=("python", "parquet"),
                description="Passages cut at sections and sentences to fit the embedding model.",
            ),
        ]

    def extra_definitions(self) -> dg.Definitions:
        """The job that builds the product; the sensor and the schedule that look at its sources."""
        job = dg.define_asset_job(
            job_name(self.product),
            selection=dg.AssetSelection.key_prefixes([self.product]),
            description=f"Build {self.product} from sources to release; what did not change is not made.",
        )
        sensor = source_sensor(
            self.product,
            self.attributes.sources,
            max_shrink=self.attributes.max_shrink,
            settle_seconds=self.attributes.settle_seconds,
        )
        if self.attributes.schedule is None:
            return dg.Definitions(jobs=[job], sensors=[sensor])
        refresh = dg.define_asset_job(
            f"refresh_{self.product}",
            selection=dg.AssetSelection.assets([self.product, "raw"]),
            description=f"Look at the sources of {self.product}; the automation makes what follows.",
        )
        schedule = dg.ScheduleDefinition(
            name=f"refresh_{self.product}_schedule",
            job=refresh,
            cron_schedule=self.attributes.schedule,
            default_status=dg.DefaultScheduleStatus.STOPPED,
            description=f"Looks at the sources of {self.product}. Switch it on here.",
        )
        return dg.Definitions(jobs=[job, refresh], schedules=[schedule], sensors=[sensor])
