"""Monitoring: the inference log in windows, the verdict on each, and the sensors that act on them."""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg
from pydantic import BaseModel, ConfigDict, Field

from headwater.components.alert_sensors import alert_sensors
from headwater.components.assets import Asset
from headwater.components.drift import drift_asset
from headwater.components.drift_sensor import drift_sensor
from headwater.components.feedback import feedback_asset
from headwater.components.inference import inference_asset
from headwater.components.product_component import ProductAttributes, ProductComponent
from headwater.components.windows_sensor import windows_sensor
from headwater.feedback.guards import Guards
from headwater.inference_log.maker import WindowSettings
from headwater.monitor.drift import DriftMaker
from headwater.monitor.policy import RefreshPolicy
from headwater.monitor.support import Groundedness
from headwater.monitor.verdict import MonitorConfig


class AlertSettings(BaseModel):
    """What is told to people; where to stands in the environment alone, because it holds passwords."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    on_drift: bool = Field(default=True, description="Tell of a family that drifts, once a verdict")
    on_failure: bool = Field(default=True, description="Tell of a failed run of the product")


class MonitoringAttributes(ProductAttributes):
    """What `defs.yaml` may say of monitoring."""

    windows: WindowSettings = Field(
        default_factory=WindowSettings, description="When a window closes, and how long the log is kept"
    )
    feedback: Guards = Field(default_factory=Guards, description="Limits of what feedback can do")
    monitor: MonitorConfig = Field(default_factory=MonitorConfig, description="When a window alarms")
    groundedness: Groundedness = Field(
        default_factory=Groundedness, description="How answers are held against their passages"
    )
    keep_verdicts: int = Field(default=500, ge=50, description="Verdicts kept, the newest ones")
    perplexity_questions: int = Field(
        default=50, ge=0, le=5000, description="Questions of a window whose perplexity is taken; 0 for none"
    )
    refresh: RefreshPolicy = Field(
        default_factory=RefreshPolicy, description="Limits of refreshes that the drift sensor begins"
    )
    look_every_seconds: int = Field(
        default=30, ge=1, description="How often the sensors look for segments and at the newest verdict"
    )
    alerts: AlertSettings = Field(default_factory=AlertSettings, description="What people are told")


class Monitoring(ProductComponent):
    """`inference`, `feedback` and `drift`, and sensors that are off until somebody switches them on."""

    attributes_model = MonitoringAttributes
    attributes: MonitoringAttributes

    def assets(self) -> Sequence[Asset]:
        """inference, feedback, drift."""
        given = self.attributes
        maker = DriftMaker(
            monitor=given.monitor,
            groundedness=given.groundedness,
            keep_verdicts=given.keep_verdicts,
            perplexity_questions=given.perplexity_questions,
        )
        return [
            inference_asset(self.product, given.windows),
            feedback_asset(self.product, given.feedback),
            drift_asset(self.product, maker),
        ]

    def extra_definitions(self) -> dg.Definitions:
        """The sensors."""
        alerts, seconds = self.attributes.alerts, self.attributes.look_every_seconds
        return dg.Definitions(
            sensors=[
                windows_sensor(self.product, seconds),
                drift_sensor(self.product, self.attributes.refresh, seconds),
                *alert_sensors(self.product, on_drift=alerts.on_drift, on_failure=alerts.on_failure),
            ]
        )
