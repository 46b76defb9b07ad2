"""What Dagster loads: every product below `defs/`, the lake, and the sensor that refreshes what changed."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from headwater.components.resource import Headwater


@dg.definitions
def defs() -> dg.Definitions:
    """All products. Steps run in one process: a step costs 0.04 CPU seconds there, 2.5 in one of its own."""
    return dg.Definitions.merge(
        dg.load_from_defs_folder(path_within_project=Path(__file__).parent),
        dg.Definitions(
            resources={"headwater": Headwater()},
            executor=dg.in_process_executor,
            sensors=[
                dg.AutomationConditionSensorDefinition(
                    "refresh_what_changed",
                    target=dg.AssetSelection.all(),
                    default_status=dg.DefaultSensorStatus.RUNNING,
                    minimum_interval_seconds=30,
                    # The condition `InputsMoved` is this project's code, so it runs where that is loaded.
                    use_user_code_server=True,
                    description="Requests the assets whose inputs changed; unchanged data requests nothing.",
                )
            ],
        ),
    )
