"""What one request and all of them together may take."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Limits(BaseModel):
    """Bounds of the service. Raises `ValueError` that names the field."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    body_bytes: int = Field(default=1 << 20, ge=1024, description="Longest request body")
    body_seconds: float = Field(default=10.0, gt=0, description="Longest time in which a body arrives")
    prompt_tokens: int = Field(default=2048, ge=16, le=8192, description="Longest prompt, passages included")
    answer_tokens: int = Field(default=512, ge=1, le=4096, description="Most that max_tokens may ask for")
    answer_seconds: float = Field(
        default=120.0, gt=0, description="An answer ends after this long, its wait in the queue included"
    )
    inputs: int = Field(default=64, ge=1, le=2048, description="Most texts of one embedding request")
    waiting: int = Field(default=32, ge=1, description="Requests that wait for the model; more get 429")
    rate: float = Field(default=20.0, gt=0, description="Requests a second and key, on average")
    burst: int = Field(default=60, ge=1, description="Requests at once and key")
    drain_seconds: float = Field(default=30.0, ge=0, description="Longest wait for open requests at the end")
