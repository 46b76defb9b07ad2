"""Maker of the reference profile: the questions that a release was judged by, as its index sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from headwater.curate.languages import languages_of
from headwater.fingerprint import digest_json
from headwater.index.remembered import open_remembering
from headwater.index.search import SearchIndex
from headwater.monitor.clusters import count, numbered
from headwater.monitor.measures import not_measured, with_measures
from headwater.monitor.profile import Insufficient, Profile, build, require_enough, write_insufficient
from headwater.monitor.rows import Observed
from headwater.monitor.served import SERVED, Served
from headwater.tables import read_rows
from headwater.workspace import Produced, Workspace


class ProfileMaker(BaseModel):
    """Inputs `questions` and `index`; writes the files of a `Profile`, or one that says why there is none.

    With a language model the input `base_model` gives the questions' perplexity, and where something was
    served before, `served` (of the drift asset) gives latency and votes.

    Questions with the same answering document make a cluster: they came about together. With too few of them
    `profile.json` says `insufficient`: then the service refuses no question and windows are not judged, which
    is better than judging them by a handful of questions.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field(default="", description="What reports call the reference; empty: its digest alone")
    perplexity_questions: int = Field(
        default=100, ge=0, le=5000, description="Questions whose perplexity is taken; 0 for none"
    )

    def __call__(self, workspace: Workspace) -> Produced:
        """Raises `ValueError` when questions and index are of different chunks."""
        name = f"{self.title} {digest_json(workspace.versions)[:12]}".strip()
        index = open_remembering(workspace.inputs["index"], workspace.cache)
        reference = _reference(workspace.inputs["questions"], index)
        base_model, served = workspace.inputs.get("base_model"), workspace.inputs.get(SERVED)
        try:
            require_enough(reference)
            profile = build(
                name,
                with_measures(reference, name, base_model=base_model, most=self.perplexity_questions),
                served=Served.read(served) if served is not None else None,
                notes=not_measured(base_model, self.perplexity_questions),
            )
        except Insufficient as reason:
            write_insufficient(workspace.out, name, reference, str(reason))
            return Produced(
                rows=reference.rows,
                metrics=_sizes(reference),
                text={"insufficient": f"No profile: {reason}."},
            )
        profile.save(workspace.out)
        return Produced(
            rows=profile.reference.rows,
            metrics={
                **_sizes(profile.reference),
                "answerable_similarity": profile.answerable_similarity,
            },
            tables={"measures": tuple(_measures(profile))},
            text={
                "summary": f"95% of {reference.rows:,} questions lie within a cosine of "
                f"{profile.answerable_similarity:.2f} of a passage.",
                **({"served": f"Latency and votes of {profile.served.shown}."} if profile.served else {}),
                **({"not_measured": "; ".join(profile.notes)} if profile.notes else {}),
            },
        )


def _reference(questions: Path, index: SearchIndex) -> Observed:
    rows = list(read_rows(questions, ["text", "relevant_chunk_ids"]))
    texts = [row["text"] for row in rows]
    vectors, similarity = index.nearest(texts)
    return Observed(
        embedder=index.about["embedder"]["fingerprint"],
        texts=texts,
        clusters=numbered(_documents(rows, index)),
        embeddings=vectors,
        similarity=similarity,
        kinds={"language": languages_of(texts)},
    )


def _documents(rows: Sequence[Mapping[str, Any]], index: SearchIndex) -> list[str]:
    _, documents = index.documents()
    try:
        return [
            ",".join(sorted({str(documents[chunk]) for chunk in row["relevant_chunk_ids"]})) for row in rows
        ]
    except KeyError as unknown:
        raise ValueError(
            f"a question is answered by chunk {unknown}, which the index does not hold"
        ) from None


def _sizes(reference: Observed) -> dict[str, float]:
    return {"questions": reference.rows, "clusters": count(reference.clusters)}


def _measures(profile: Profile) -> list[dict[str, Any]]:
    quantiles = (0.05, 0.5, 0.95)
    shown = {"similarity to the nearest passage": profile.reference.similarity, **profile.reference.measures}
    return [
        {
            "measure": name,
            **{f"{level:.0%}": round(float(np.nanquantile(values, level)), 3) for level in quantiles},
        }
        for name, values in shown.items()
        if not np.isnan(values).all()
    ]
