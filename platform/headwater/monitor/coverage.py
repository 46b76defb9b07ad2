"""Coverage gaps: questions that the index cannot answer, gathered by what they are about."""

from __future__ import annotations

from collections import Counter

import numpy as np

from headwater.monitor.clusters import Rows
from headwater.monitor.rows import Observed
from headwater.monitor.verdict import CoverageGap

ALIKE = 0.45
"""Cosine from which two questions count as about one thing: questions about one AWS service lie above it."""
LEAST_SIZE = 3
EXAMPLES = 3
MOST_QUESTIONS = 2000


def coverage_gaps(rows: Observed, low: Rows) -> list[CoverageGap]:
    """Gather the questions at positions `low`, largest gap first; single ones are left out.

    Again and again the question with most neighbours takes them with it. That needs no number of groups and
    depends on no seed. Beyond 2,000 questions the least similar to the index are looked at.
    """
    chosen = low[np.argsort(rows.similarity[low], kind="stable")][:MOST_QUESTIONS]
    vectors = rows.embeddings[chosen]
    alike = vectors @ vectors.T >= ALIKE
    np.fill_diagonal(alike, True)
    left = np.ones(len(chosen), dtype=np.bool_)
    gaps: list[CoverageGap] = []
    while left.any():
        neighbours = (alike & left).sum(axis=1) * left
        centre = int(neighbours.argmax())
        if neighbours[centre] < LEAST_SIZE:
            break
        members = np.flatnonzero(alike[centre] & left)
        left[members] = False
        gaps.append(_gap(rows, chosen[members], chosen[centre]))
    return gaps


def _gap(rows: Observed, members: Rows, centre: int) -> CoverageGap:
    closeness = rows.embeddings[members] @ rows.embeddings[centre]
    ordered = members[np.argsort(-closeness, kind="stable")]
    examples = list(dict.fromkeys(rows.texts[place] for place in map(int, ordered)))[:EXAMPLES]
    documents = Counter(
        rows.nearest[place] for place in map(int, members) if rows.nearest and rows.nearest[place]
    )
    nearest = min(documents, key=lambda name: (-documents[name], name)) if documents else ""
    return CoverageGap(
        size=len(members),
        examples=tuple(examples),
        nearest_document=nearest,
        similarity=float(np.mean(rows.similarity[members])),
    )
