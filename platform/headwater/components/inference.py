"""The inference log of a product as an asset: what its service wrote, in windows."""

# Dagster reads the annotations of a step as objects, so they may not be postponed here.
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from headwater.components.assets import Asset
from headwater.components.question_language import LANGUAGE_CODE, LANGUAGE_LIBRARIES
from headwater.components.resource import Headwater
from headwater.inference_log.maker import COMPLETE, InferenceMaker, WindowSettings
from headwater.inference_log.places import Places
from headwater.inference_log.progress import delete_taken
from headwater.inference_log.recovery import recover
from headwater.inference_log.table import JUDGEMENTS
from headwater.lake.erased import erasures_pin
from headwater.lake.protocol import Lake
from headwater.lake.publish import Published
from headwater.lake.recipe import Declared, Pin, Recipe
from headwater.schemas import FEEDBACK, INFERENCE, QUARANTINE
from headwater.settings import MAIN, Settings


def inference_asset(product: str, settings: WindowSettings) -> Asset:
    """The asset `inference`: requests and feedback that the product's services logged on this machine.

    Segments are deleted once their records stand on `main`; a build of another branch deletes none.
    """

    def erased(lake: Lake, head: str, versions: Mapping[str, str]) -> Mapping[str, Pin]:
        del versions  # the list decides by itself
        return erasures_pin(lake, head, product)

    return Asset(
        Recipe(
            product,
            "inference",
            maker=InferenceMaker(settings, Places.of(Path(), product).closed),
            code=("headwater.inference_log", *LANGUAGE_CODE),
            datasets={"": INFERENCE, JUDGEMENTS: FEEDBACK, "quarantine": QUARANTINE},
            checks=(
                Declared(
                    COMPLETE,
                    "No record was lost and no line unreadable since the version before",
                    blocking=False,
                ),
            ),
            config=settings.model_dump(mode="json"),
            libraries=LANGUAGE_LIBRARIES,
            observes=True,
            pins=erased,
        ),
        tier="log",
        kinds=("parquet",),
        description="What the service was asked and answered, redacted, with feedback, in closed windows.",
        prepare=_at_home,
        after=_delete_published,
    )


def _at_home(context: dg.AssetExecutionContext, recipe: Recipe) -> Recipe:
    """Read the segments of the home that the run was given, also those of services that died."""
    resource: Headwater = context.resources.headwater
    maker = recipe.maker
    assert isinstance(maker, InferenceMaker)
    places = Places.of(resource.settings().home, recipe.product)
    recover(places)
    return dataclasses.replace(recipe, maker=dataclasses.replace(maker, closed=places.closed))


def _delete_published(
    context: dg.AssetExecutionContext, settings: Settings, published: Published
) -> dict[str, Any]:
    """Delete the segments that the published version has taken in."""
    if settings.branch != MAIN:
        return {}
    record = published.record
    version = settings.open_lake().fetch(published.commit, f"{record.product}/{record.asset}/")
    deleted = delete_taken(Places.of(settings.home, record.product).closed, version)
    if deleted:
        context.log.info("%d segments of the log were deleted: %s has their records", deleted, MAIN)
    return {"segments_deleted": deleted}
