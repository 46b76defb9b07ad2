"""Several tests of one family: their p-values after Holm's correction."""

from __future__ import annotations

from collections.abc import Sequence


def holm(values: Sequence[float]) -> list[float]:
    """Adjusted p-values in the order given (Holm, Scandinavian Journal of Statistics, 1979).

    Calling all that are at most α a finding makes one false finding or more with probability at most α,
    however the tests depend on each other. Raises `ValueError` for a value outside 0 to 1.
    """
    if any(not 0 <= value <= 1 for value in values):
        raise ValueError(f"p-values are between 0 and 1, not {list(values)}")
    adjusted = [0.0] * len(values)
    highest = 0.0
    for rank, position in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        highest = max(highest, min(1.0, values[position] * (len(values) - rank)))
        adjusted[position] = highest
    return adjusted
