"""What Dagster loads during the loop: the product on its stage, with the sensors of monitoring.

The sensor that refreshes whatever changed stays out: the loop shows that monitoring asks for what is
affected.
"""

from __future__ import annotations

import os
from pathlib import Path

import dagster as dg

from headwater import components as kinds
from headwater.components.product_component import ProductComponent
from headwater.components.resource import Headwater
from headwater.loop.scenario import FOLDER, PRODUCT, Stage, components


def loop_definitions(stage: Stage) -> dg.Definitions:
    """The assets and sensors of the product on this stage."""
    made: list[dg.Definitions] = []
    for name, attributes in components(stage):
        kind: type[ProductComponent] = getattr(kinds, name)
        made.append(kind(PRODUCT, kind.attributes_model.model_validate(attributes)).definitions())
    return dg.Definitions.merge(
        *made,
        dg.Definitions(
            resources={"headwater": Headwater(home=str(stage.home), lake=str(stage.lake))},
            executor=dg.in_process_executor,
        ),
    )


@dg.definitions
def defs() -> dg.Definitions:
    """The stage in the folder that HEADWATER_LOOP names."""
    return loop_definitions(Stage(Path(os.environ[FOLDER])))
