"""What a gate may ask of a comparison with production."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from headwater.evaluate.metrics import require_known


class NotWorse(BaseModel):
    """With `confidence`, the candidate is at most `margin` worse than production, in the metric's unit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    margin: float = Field(default=0.01, ge=0)
    confidence: float = Field(default=0.95, gt=0.5, lt=1)


class Improvement(BaseModel):
    """With `confidence`, the candidate is more than `margin` better than production."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    margin: float = Field(default=0.0, ge=0)
    confidence: float = Field(default=0.95, gt=0.5, lt=1)


class Primary(BaseModel):
    """The metric a product is about: superior to production, or not shown to be more than `margin` worse.

    "Not shown" alone would pass whatever too few questions cannot see, so the gate asks for the same metric
    under `not_worse_than_production` as well. Raises for a name that no evaluation reports.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str
    margin: float = Field(default=0.0, ge=0)
    confidence: float = Field(default=0.95, gt=0.5, lt=1)

    def model_post_init(self, context: object, /) -> None:
        """Check the name."""
        del context
        require_known([self.metric])
