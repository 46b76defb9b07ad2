"""Which split a group belongs to: decided by its name alone, so that a new group never moves another."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from headwater.fingerprint import digest_text

Split = Literal["train", "validation", "test"]

_BUCKETS = 16**8


class Shares(BaseModel):
    """How the groups are shared out. Shares of groups, not of examples; they add up to 1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    train: float = Field(default=0.8, gt=0, le=1)
    validation: float = Field(default=0.1, ge=0, lt=1)
    test: float = Field(default=0.1, ge=0, lt=1)

    @model_validator(mode="after")
    def _add_up(self) -> Shares:
        total = self.train + self.validation + self.test
        if abs(total - 1.0) > 1e-9:
            raise ValueError(f"train, validation and test must add up to 1, not {total:g}")
        return self


def unit_hash(seed: int, name: str) -> float:
    """A number in [0, 1) that depends on `seed` and `name` alone (the first 32 bits of a SHA-256)."""
    return int(digest_text(f"{seed}:{name}")[:8], 16) / _BUCKETS


def split_of(group: str, shares: Shares, seed: int) -> Split:
    """The split of a group: its hash against the cumulated shares, test first, then validation."""
    position = unit_hash(seed, group)
    if position < shares.test:
        return "test"
    if position < shares.test + shares.validation:
        return "validation"
    return "train"
