"""Cron expressions in `defs.yaml`, checked when they are loaded."""

from __future__ import annotations

from typing import Annotated

import dagster as dg
from pydantic import AfterValidator


def _is_cron(value: str) -> str:
    try:
        dg.ScheduleDefinition(name="schedule", job_name="job", cron_schedule=value)
    except dg.DagsterInvalidDefinitionError:
        raise ValueError(
            f"expected a cron expression of five fields such as '0 3 * * *', found {value!r}"
        ) from None
    return value


Cron = Annotated[str, AfterValidator(_is_cron)]
"""Text that Dagster can schedule by."""
