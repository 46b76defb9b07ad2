"""Upkeep: the sensor on the lake and the schedule that sweeps, both off until somebody switches them on."""

from typing import Self

import dagster as dg
from pydantic import BaseModel, ConfigDict, Field, field_validator

from headwater.components.cron import Cron
from headwater.components.lake_sensor import lake_sensor
from headwater.components.resource import Headwater
from headwater.versions.upkeep import clear, parse_age

JOB = "sweep_lake"


class UpkeepAttributes(BaseModel):
    """What `defs.yaml` may say of upkeep."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sweep_cron: Cron = Field(default="0 3 * * 0", description="When to sweep, as a cron expression")
    older_than: str = Field(default="7d", description="Sweep what nobody touched for so long: 7d, 12h, 30m")

    @field_validator("older_than")
    @classmethod
    def _is_an_age(cls, value: str) -> str:
        parse_age(value)
        return value


class Upkeep(dg.Component):
    """A schedule that sweeps lake and caches, and a sensor that reports what others published."""

    def __init__(self, attributes: UpkeepAttributes) -> None:
        self.attributes = attributes

    @classmethod
    def get_model_cls(cls) -> type[BaseModel] | None:
        """The attributes that `defs.yaml` may hold."""
        return UpkeepAttributes

    @classmethod
    def load(cls, attributes: BaseModel | None, context: dg.ComponentLoadContext) -> Self:
        """Make the component; without attributes with the defaults."""
        del context  # nothing depends on the folder
        return cls(attributes if isinstance(attributes, UpkeepAttributes) else UpkeepAttributes())

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:  # noqa: ARG002
        """What Dagster loads."""
        return self.definitions()

    def definitions(self) -> dg.Definitions:
        """The job, its schedule and the sensor."""
        job = _sweep_job(self.attributes.older_than)
        schedule = dg.ScheduleDefinition(
            name="sweep_lake_schedule",
            job=job,
            cron_schedule=self.attributes.sweep_cron,
            default_status=dg.DefaultScheduleStatus.STOPPED,
            description="Removes what nothing needs any more; headwater sweep says what that is.",
        )
        return dg.Definitions(jobs=[job], schedules=[schedule], sensors=[lake_sensor()])


def _sweep_job(older_than: str) -> dg.JobDefinition:
    @dg.op(name="sweep", description="Remove what nobody needs and nobody touched for a while.")
    def sweep(context: dg.OpExecutionContext, headwater: Headwater) -> None:
        done = clear(headwater.settings(), older_than=parse_age(older_than), apply=True)
        context.add_output_metadata(
            {
                "branches": len(done.lake.branches),
                "payloads": done.lake.payloads,
                "freed_bytes": done.lake.freed,
                "home_entries": len(done.files),
                "home_bytes": done.bytes,
            }
        )

    @dg.job(name=JOB, description="Remove branches of dead runs, unreferenced bytes, old caches and scratch.")
    def sweep_lake() -> None:
        sweep()

    return sweep_lake
