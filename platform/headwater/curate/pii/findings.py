"""What the detectors return, and which of two that overlap counts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

Kind = Literal["secret", "email", "iban", "card", "national_id", "ip", "phone", "name"]
KINDS: tuple[Kind, ...] = ("secret", "email", "iban", "card", "national_id", "ip", "phone", "name")
"""In their precedence: of two findings that overlap the earlier kind counts."""
_RANKS = {kind: rank for rank, kind in enumerate(KINDS)}


class Finding(NamedTuple):
    """Characters `start` to `end` of a text."""

    start: int
    end: int
    kind: Kind
    label: str
    """What it is more precisely, e.g. `ipv6`, `us_ssn`, `github_token`."""


def without_overlaps(found: Iterable[Finding]) -> list[Finding]:
    """Ascending findings that do not overlap; precedence of kind decides, then the start, then the length."""
    kept: list[Finding] = []
    for finding in sorted(found):
        while kept and finding.start < kept[-1].end:
            if _strength(finding) <= _strength(kept[-1]):
                break
            kept.pop()
        else:
            kept.append(finding)
    return kept


def _strength(finding: Finding) -> tuple[int, int, int]:
    return -_RANKS[finding.kind], -finding.start, finding.end
