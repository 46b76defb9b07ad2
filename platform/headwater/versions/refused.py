"""What the tiers of a product refused, asked of their quarantines."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from headwater.lake.errors import NotFound
from headwater.lake.protocol import Lake
from headwater.versions.trail import Tables

_QUARANTINE = re.compile(r"[^/]+/(?P<tier>[^/]+)/quarantine/part-\d+\.parquet")
_COLUMNS = "step, reason, uri, source, detail, excerpt, document_id"


@dataclass(frozen=True)
class Refusals:
    """`counts` has a row for each tier, step and reason that the filters leave, the most frequent first;
    `rows` the first of them in the order of the tier. `commit` is where they were found."""

    commit: str
    counts: tuple[dict[str, Any], ...]
    rows: tuple[dict[str, Any], ...]

    @property
    def total(self) -> int:
        """How many refusals the filters leave."""
        return sum(row["count"] for row in self.counts)


def refused(
    lake: Lake,
    product: str,
    ref: str,
    *,
    tier: str | None = None,
    step: str | None = None,
    reason: str | None = None,
    limit: int = 20,
) -> Refusals:
    """Ask every tier, or one, what it refused. Raises `NotFound` when the product or the tier has no
    quarantine, or nothing was ever refused by that step or for that reason; it names those there are."""
    commit = lake.resolve(ref)
    tables = Tables(lake, product, commit)
    tiers = _tiers(lake, commit, product)
    if not tiers:
        raise NotFound(f"{product} has no quarantine at {ref}: build it first (headwater build {product})")
    if tier is not None and tier not in tiers:
        raise NotFound(
            f"{product} has no tier {tier!r} with a quarantine at {ref}; it has: {', '.join(tiers)}"
        )
    asked = [tier] if tier else tiers
    everything = [row for name in asked for row in _counts(tables, name)]
    for column, value in (("step", step), ("reason", reason)):
        known = sorted({row[column] for row in everything})
        if value is not None and value not in known:
            there = f"there are: {', '.join(known)}" if known else "nothing was refused"
            raise NotFound(f"{product} has no refusal with {column} {value!r} at {ref}; {there}")
    counts = [
        row
        for row in everything
        if (step is None or row["step"] == step) and (reason is None or row["reason"] == reason)
    ]
    counts.sort(key=lambda row: (-row["count"], row["tier"], row["step"], row["reason"]))
    rows: list[dict[str, Any]] = []
    for name in asked:
        where = "($1 IS NULL OR step = $1) AND ($2 IS NULL OR reason = $2)"
        found = tables.rows(
            f"{name}/quarantine", f"{where} LIMIT {limit - len(rows)}", [step, reason], _COLUMNS
        )
        rows += [{"tier": name, **row} for row in found]
    return Refusals(commit, tuple(counts), tuple(rows))


def _tiers(lake: Lake, commit: str, product: str) -> list[str]:
    matches = (_QUARANTINE.fullmatch(item.path) for item in lake.list(commit, f"{product}/"))
    return list(dict.fromkeys(match["tier"] for match in matches if match))


def _counts(tables: Tables, tier: str) -> list[dict[str, Any]]:
    found = tables.rows(
        f"{tier}/quarantine", "true GROUP BY step, reason", [], "step, reason, count(*) AS count"
    )
    return [{"tier": tier, **row} for row in found]
