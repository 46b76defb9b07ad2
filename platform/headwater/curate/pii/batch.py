"""Findings in a whole column: places from the kernel, decisions only there.

Imports numba: import it where a batch is at hand, not with the settings.
"""

from __future__ import annotations

from typing import cast

import pyarrow as pa

from headwater.curate.kernels.pii import Hints, candidates
from headwater.curate.pii.findings import Finding, Kind
from headwater.curate.pii.hints import group_table, prefix_table, word_table
from headwater.curate.pii.search import Family, decide, families_of
from headwater.curate.pii.secrets import KEY_LITERAL, SHORT_LITERALS, literal_at, literals

_FAMILIES = tuple(Family)


def documents_with_places(column: pa.Array, kinds: frozenset[Kind]) -> list[int]:
    """Numbers of the texts in which something may be found, ascending."""
    families = families_of(kinds)
    found: set[int] = set()
    for documents, _, _ in candidates(column, _hints(kinds)):
        found.update(documents)
    if Family.LITERAL in families:
        found.update(_with_literals(column))
    return sorted(found)


def findings_in(column: pa.Array, kinds: frozenset[Kind], allow: frozenset[str]) -> dict[int, list[Finding]]:
    """Findings of each text that has any, overlaps included; names of persons are not among them."""
    families = families_of(kinds)
    found: dict[int, list[Finding]] = {}
    current, text = -1, ""
    for documents, starts, numbers in candidates(column, _hints(kinds)):
        for document, start, number in zip(documents, starts, numbers, strict=True):
            if document != current:
                current, text = document, column[document].as_py()
            for finding in decide(text, start, _FAMILIES[number], kinds, allow):
                found.setdefault(document, []).append(finding)
    if Family.LITERAL in families:
        for document in _with_literals(column):
            text = column[document].as_py()
            for start in literals(text):
                if (finding := literal_at(text, start)) is not None:
                    found.setdefault(document, []).append(finding)
    return found


def _with_literals(column: pa.Array) -> list[int]:
    # Loads for as long as numba: only for those who look for secrets.
    import polars as pl

    texts = cast(pl.Series, pl.from_arrow(column)).str
    held = texts.contains(KEY_LITERAL, literal=True) | texts.contains_any(list(SHORT_LITERALS))
    return held.fill_null(False).arg_true().to_list()


def _hints(kinds: frozenset[Kind]) -> Hints:
    families = frozenset(int(family) for family in families_of(kinds) if family != Family.LITERAL)
    return Hints(families, prefix_table(), word_table(kinds), group_table(kinds))
