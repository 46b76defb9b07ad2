"""BatchInference: a file of questions, answered by the product's release."""

# Dagster reads the annotations of a step as objects, so they may not be postponed here.
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

import dagster as dg
from pydantic import BaseModel, Field

from headwater.components.assets import Asset
from headwater.components.product_component import ProductAttributes, ProductComponent
from headwater.components.resource import Headwater
from headwater.fingerprint import digest_json
from headwater.lake.protocol import Lake
from headwater.lake.recipe import Pin, Recipe
from headwater.lake.records import data_version
from headwater.release import Release, current_release
from headwater.schemas import BATCH_ANSWERS, QUARANTINE
from headwater.serve.batch_answers import PARTS, AnswersMaker, Asked, BatchLimits, input_name

CODE = (
    *(f"headwater.serve.{name}" for name in ("batch_answers", "batch", "released", "decoding", "prompting")),
    "headwater.index",
    "headwater.train",
)
"""The service's endpoints shape no answer."""
NOBODY = Asked("", "", "")
"""Until the step runs and looks at production."""


class BatchInferenceAttributes(ProductAttributes):
    """What `defs.yaml` may say of batch inference."""

    input: Path = Field(
        description="JSON lines with a question each; relative to the folder of the `defs.yaml`"
    )
    limits: BatchLimits = Field(default_factory=BatchLimits, description="Bounds of one batch")


class BatchInference(ProductComponent):
    """Cited answers to a file of questions, made again when the file or the release changes."""

    attributes_model = BatchInferenceAttributes
    attributes: BatchInferenceAttributes

    @classmethod
    def load(cls, attributes: BaseModel | None, context: dg.ComponentLoadContext) -> Self:
        """Make the component; a relative input counts from the folder of the `defs.yaml`."""
        loaded = super().load(attributes, context)
        given = loaded.attributes
        return cls(loaded.product, given.model_copy(update={"input": context.path / given.input}))

    def assets(self) -> Sequence[Asset]:
        """answers."""
        given = self.attributes
        return [
            Asset(
                Recipe(
                    self.product,
                    "answers",
                    maker=AnswersMaker(self.product, given.input.expanduser(), given.limits, NOBODY),
                    inputs=("release",),
                    code=CODE,
                    datasets={"": BATCH_ANSWERS, "quarantine": QUARANTINE},
                    config=given.limits.model_dump(mode="json"),
                    libraries=("faiss-cpu", "bm25s", "torch", "transformers", "peft"),
                    observes=True,
                ),
                tier="answers",
                kinds=("pytorch", "parquet"),
                description="Answers of the release in production to a file of questions, with citations.",
                prepare=_from_production,
            )
        ]


def _from_production(context: dg.AssetExecutionContext, recipe: Recipe) -> Recipe:
    """Answer from the release that production holds as the step begins."""
    resource: Headwater = context.resources.headwater
    lake = resource.settings().open_lake()
    release = current_release(lake, recipe.product)
    if release is None:
        raise dg.Failure(
            description=f"{recipe.product} was never released: nothing can answer its questions",
            allow_retries=False,
        )
    maker = recipe.maker
    assert isinstance(maker, AnswersMaker)
    made_with = digest_json([release.data_version, recipe.code_version])
    return dataclasses.replace(
        recipe,
        maker=dataclasses.replace(maker, asked=Asked(release.name, release.commit, made_with)),
        config={**recipe.config, "release": release.name, "commit": release.commit},
        pins=_parts_of(release),
    )


def _parts_of(release: Release) -> Callable[[Lake, str, Mapping[str, str]], Mapping[str, Pin]]:
    def pins(lake: Lake, head: str, versions: Mapping[str, str]) -> Mapping[str, Pin]:
        del head, versions  # the release decides by itself
        folders = {asset: f"{release.product}/{asset}/" for asset in PARTS}
        return {
            input_name(asset): Pin(release.commit, folder)
            for asset, folder in folders.items()
            if data_version(lake, release.commit, folder) is not None
        }

    return pins
