"""The asset of what users said and may be learned from."""

from __future__ import annotations

from headwater.components.assets import Asset
from headwater.feedback.guards import Guards
from headwater.feedback.maker import ACCOUNTED, FeedbackMaker
from headwater.lake.recipe import Declared, Recipe
from headwater.schemas.feedback import ACCEPTED, REFUSED

CODE = ("headwater.feedback", "headwater.curate.dedup", "headwater.curate.kernels")


def feedback_asset(product: str, settings: Guards) -> Asset:
    """`feedback` from `inference`, `questions` and `chunks`; no path leads from it to `questions`."""
    maker = FeedbackMaker(guards=settings)
    return Asset(
        Recipe(
            product,
            "feedback",
            maker=maker,
            inputs=("inference", "questions", "chunks"),
            code=CODE,
            datasets={"": ACCEPTED, "refused": REFUSED},
            checks=(Declared(ACCOUNTED, "Each vote is part of one label or refused once"),),
            config=maker.model_dump(mode="json"),
            libraries=("rensa", "xxhash", "numba"),
        ),
        tier="gold",
        kinds=("python", "parquet"),
        description="Answers that distinct users agree on, and every other vote with why it teaches nothing.",
    )
