"""The drift asset: verdicts on the windows of a product's inference log."""

from __future__ import annotations

from collections.abc import Mapping

from headwater.components.assets import Asset
from headwater.lake.errors import NotFound
from headwater.lake.protocol import Lake
from headwater.lake.recipe import Declared, Pin, Recipe
from headwater.lake.records import data_version, read_record
from headwater.monitor.drift import DriftMaker
from headwater.monitor.drift_output import ANSWERS_FOLDER
from headwater.monitor.report import QUESTIONS
from headwater.monitor.verdict import FAMILIES
from headwater.schemas import ANSWERS, DRIFT
from headwater.settings import PRODUCTION

STANDARD = ("profile", "index", "questions")
"""What windows are held to, as production has it."""


def drift_asset(product: str, maker: DriftMaker) -> Asset:
    """The asset `drift`, made of `inference` and of what production holds."""

    def held_to(lake: Lake, head: str, versions: Mapping[str, str]) -> Mapping[str, Pin]:
        del versions
        return standard(lake, head, product)

    return Asset(
        Recipe(
            product,
            "drift",
            maker=maker,
            inputs=("inference",),
            code=("headwater.monitor", "headwater.index"),
            datasets={"": DRIFT, ANSWERS_FOLDER: ANSWERS},
            checks=tuple(
                Declared(family, f"{QUESTIONS[family]} No drift in the newest window", blocking=False)
                for family in FAMILIES
            ),
            config=maker.model_dump(mode="json"),
            libraries=("faiss-cpu", "numpy", "torch", "matplotlib"),
            pins=held_to,
        ),
        tier="report",
        kinds=("python", "matplotlib"),
        description="A verdict on every window: are questions, answers and the service as at the release?",
    )


def standard(lake: Lake, head: str, product: str) -> Mapping[str, Pin]:
    """What production holds of what windows are held to; nothing before there are windows.

    A product that is not served is thus not made again when it is released.
    """
    log = read_record(lake, head, product, "inference")
    if log is None or log.rows == 0:
        return {}
    try:
        production = lake.resolve(PRODUCTION)
    except NotFound:
        return {}
    pins = {name: Pin(production, f"{product}/{name}/") for name in STANDARD}
    return {name: pin for name, pin in pins.items() if data_version(lake, production, pin.folder) is not None}
