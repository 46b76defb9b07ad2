"""A condition of the gate, decided, with the figures that decided it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Condition:
    """One condition and how it was decided. `measured` is None when the evaluation has no such figure.

    The rest is None where questions were not paired. `p_value` is that of the paired randomisation test of
    an improvement, `adjusted_p` the same after Holm's correction over the decision's improvements.
    `detectable` is the smallest difference, in the metric's unit, that would be seen with a power of 80 %.
    """

    name: str
    passed: bool
    measured: float | None
    required: str
    explanation: str
    questions: int | None = None
    groups: int | None = None
    p_value: float | None = None
    adjusted_p: float | None = None
    detectable: float | None = None
