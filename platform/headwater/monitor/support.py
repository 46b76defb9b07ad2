"""The support of a window's answers: a sample of them, held against the passages they were given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from headwater.index.search import SearchIndex
from headwater.monitor.clusters import seeded
from headwater.monitor.groundedness import Cut, answer_sentences, grounded, support

FAILED_FROM = 400


class Groundedness(BaseModel):
    """How answers are held against their passages.

    The cut's default is what `benchmarks/groundedness.py` finds for passages of botocore, with an AUC of .93.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sample: int = Field(default=50, ge=0, le=5000, description="Answers looked at in each window; 0 for none")
    cut: float = Field(
        default=0.271, gt=0, lt=1, description="Support from which a sentence counts as supported"
    )


def supported_answers(
    window: str, rows: Sequence[Mapping[str, Any]], index: SearchIndex, how: Groundedness
) -> list[dict[str, Any]]:
    """Rows of `schemas.ANSWERS`, by response id, for a sample of a window's rows drawn by its id.

    Answers without a sentence that says something are left out, and those whose passages the index no longer
    holds: what they were given cannot be read any more.
    """
    answered = sorted((row for row in rows if _answered(row)), key=lambda row: str(row["response_id"]))
    drawn = seeded(window, "answers").permutation(len(answered))[: how.sample]
    sample = [answered[place] for place in sorted(map(int, drawn))]
    given = sorted({item["chunk_id"] for row in sample for item in row["retrieved"]})
    passages = index.passages(given)
    told = [
        (row, answer_sentences(row["answer"]), [item["chunk_id"] for item in row["retrieved"]])
        for row in sample
    ]
    kept = [
        (row, said, chunks)
        for row, said, chunks in told
        if said and all(chunk in passages for chunk in chunks)
    ]
    if not kept:
        return []
    vectors = index.embedder.embed([sentence for _, said, _ in kept for sentence in said])
    found: list[dict[str, Any]] = []
    place = 0
    for row, said, chunks in kept:
        texts = [passages[chunk][0] for chunk in chunks]
        near = np.stack([passages[chunk][1] for chunk in chunks])
        supports = [
            support(sentence, vectors[place + number], texts, near) for number, sentence in enumerate(said)
        ]
        place += len(said)
        found.append(
            {
                "response_id": str(row["response_id"]),
                "window": window,
                "sentences": len(said),
                "score": min(item.score for item in supports),
                "supported": bool(grounded(supports, Cut(how.cut, float("nan"), 0))),
            }
        )
    return found


def _answered(row: Mapping[str, Any]) -> bool:
    return bool(
        row["answer"]
        and row["retrieved"]
        and row["answerable"] is not False
        and int(row["status"]) < FAILED_FROM
    )
