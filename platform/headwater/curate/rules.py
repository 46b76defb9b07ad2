"""Rules of the form "this measure has this limit", judged on a whole batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from headwater.curate.step import DETAIL, REASON, with_columns

Values = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Rule:
    """A measure of each document with at most two limits; a limit that is None is off.

    `unit` follows the value in the verdict; `%` shows shares as percentages. `applies` says to which
    documents the rule applies, by default to all.
    """

    reason: str
    values: Values
    least: float | None = None
    most: float | None = None
    unit: str = ""
    applies: Values | None = None

    @property
    def judged(self) -> Values:
        """Which documents the rule is about: none where both limits are off."""
        if self.least is None and self.most is None:
            return np.zeros(len(self.values), dtype=bool)
        return np.ones(len(self.values), dtype=bool) if self.applies is None else self.applies

    @property
    def broken(self) -> Values:
        """Where a limit is passed."""
        found = np.zeros(len(self.values), dtype=bool)
        if self.least is not None:
            found |= self.values < self.least
        if self.most is not None:
            found |= self.values > self.most
        return found if self.applies is None else found & self.applies

    def details(self, rows: Values) -> list[str]:
        """What to say of these documents, which break the rule."""
        values, unit = self.values[rows], "" if self.unit == "%" else self.unit
        least = "" if self.least is None else f"{unit}; least {self._show(self.least)}"
        most = "" if self.most is None else f"{unit}; most {self._show(self.most)}"
        low = np.zeros(len(values), dtype=bool) if self.least is None else values < self.least
        return [
            f"{self._show(value)}{least if is_low else most}"
            for value, is_low in zip(values.tolist(), low.tolist(), strict=True)
        ]

    def _show(self, value: float) -> str:
        if isinstance(value, int):
            return str(value)
        return f"{100 * value:.4g}%" if self.unit == "%" else f"{value:.4g}"


def judge(batch: pa.RecordBatch, rules: Sequence[Rule]) -> pa.RecordBatch:
    """The batch with the verdict of the first rule that each document breaks."""
    first = np.full(len(batch), len(rules))
    for number in reversed(range(len(rules))):
        first[rules[number].broken] = number
    reasons: list[str | None] = [None] * len(batch)
    details: list[str | None] = [None] * len(batch)
    for number, rule in enumerate(rules):
        rows = np.flatnonzero(first == number)
        for row, detail in zip(rows.tolist(), rule.details(rows), strict=True):
            reasons[row], details[row] = rule.reason, detail
    return with_columns(
        batch, **{REASON: pa.array(reasons, pa.string()), DETAIL: pa.array(details, pa.string())}
    )


def kept_share(rules: Sequence[Rule]) -> Values:
    """Of each document the share of the rules about it that it keeps: float64, 1 where none is about it."""
    judged = np.sum([rule.judged for rule in rules], axis=0)
    broken = np.sum([rule.broken for rule in rules], axis=0)
    return 1.0 - ratio(broken, judged)


def ratio(part: Values, whole: Values) -> Values:
    """`part / whole`, and 0 where there is nothing to divide."""
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole != 0)
