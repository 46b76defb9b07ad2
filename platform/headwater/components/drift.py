"""The drift asset: verdicts on the windows of a product's inference log."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import dagster as dg

from headwater.components.assets import Asset
from headwater.components.question_scores import SCORES_CODE, SCORES_LIBRARIES
from headwater.components.resource import Headwater
from headwater.lake.errors import NotFound
from headwater.lake.protocol import Lake
from headwater.lake.recipe import Declared, Pin, Recipe
from headwater.lake.records import data_version, read_record
from headwater.monitor.drift import DriftMaker
from headwater.monitor.drift_output import ANSWERS_FOLDER
from headwater.monitor.report import QUESTIONS
from headwater.monitor.verdict import FAMILIES
from headwater.release import current_release
from headwater.schemas import ANSWERS, DRIFT
from headwater.settings import PRODUCTION

MODEL = "base_model"
STANDARD = ("profile", "index", "questions", MODEL)
"""What windows are held to, as production has it."""


def drift_asset(product: str, maker: DriftMaker) -> Asset:
    """The asset `drift`, made of `inference` and of what production holds."""

    def held_to(lake: Lake, head: str, versions: Mapping[str, str]) -> Mapping[str, Pin]:
        del versions
        pins = standard(lake, head, product)
        return pins if maker.perplexity_questions else {name: pins[name] for name in pins if name != MODEL}

    return Asset(
        Recipe(
            product,
            "drift",
            maker=maker,
            inputs=("inference",),
            code=("headwater.monitor", "headwater.index", *SCORES_CODE),
            datasets={"": DRIFT, ANSWERS_FOLDER: ANSWERS},
            checks=tuple(
                Declared(family, f"{QUESTIONS[family]} No drift in the newest window", blocking=False)
                for family in FAMILIES
            ),
            config=maker.model_dump(mode="json"),
            libraries=("faiss-cpu", "numpy", "matplotlib", *SCORES_LIBRARIES),
            pins=held_to,
        ),
        tier="report",
        kinds=("python", "matplotlib"),
        description="A verdict on every window: are questions, answers and the service as at the release?",
        prepare=_of_production,
    )


def _of_production(context: dg.AssetExecutionContext, recipe: Recipe) -> Recipe:
    """Tell the maker which release windows are held to: what another one answered is not its doing."""
    resource: Headwater = context.resources.headwater
    settings = resource.settings()
    lake = settings.open_lake()
    release = current_release(lake, recipe.product)
    if release is None or not _has_windows(lake, lake.resolve(settings.branch), recipe.product):
        return recipe
    maker = recipe.maker
    assert isinstance(maker, DriftMaker)
    named = maker.model_copy(update={"release": release.name})
    return dataclasses.replace(recipe, maker=named, config=named.model_dump(mode="json"))


def standard(lake: Lake, head: str, product: str) -> Mapping[str, Pin]:
    """What production holds of what windows are held to; nothing before there are windows.

    A product that is not served is thus not made again when it is released.
    """
    if not _has_windows(lake, head, product):
        return {}
    try:
        production = lake.resolve(PRODUCTION)
    except NotFound:
        return {}
    pins = {name: Pin(production, f"{product}/{name}/") for name in STANDARD}
    return {name: pin for name, pin in pins.items() if data_version(lake, production, pin.folder) is not None}


def _has_windows(lake: Lake, head: str, product: str) -> bool:
    log = read_record(lake, head, product, "inference")
    return log is not None and log.rows > 0
