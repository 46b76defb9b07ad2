"""What a training set reports of itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from headwater.schemas import SPLITS
from headwater.train.candidates import Refusal
from headwater.train.from_feedback import HUMAN, MODEL
from headwater.workspace import Produced


def report(
    rows: Sequence[dict[str, Any]],
    refusals: Sequence[Refusal],
    origin: str,
    over_cap: int,
    *,
    sources: Sequence[str],
    mixed: bool,
) -> Produced:
    """Sizes of the splits, an example, and where the examples are from; with `mixed` the shares of feedback.

    `origin` is that of the examples from silver, `over_cap` how many of them `max_examples` left out.
    """
    splits = [
        {
            "split": split,
            "examples": sum(row["split"] == split for row in rows),
            "groups": len({row["group"] for row in rows if row["split"] == split}),
        }
        for split in SPLITS
    ]
    metrics = {f"examples/{row['split']}": float(row["examples"]) for row in splits}
    metrics |= {f"groups/{row['split']}": float(row["groups"]) for row in splits}
    metrics["over_cap"] = float(over_cap)
    text = {"example": f"```\n{rows[0]['prompt']}\n\n→ {rows[0]['completion']}\n```"}
    if origin == "passage":
        named = ", ".join(sources)
        why = f"the sources {named} hold no pair" if sources else "no labelled source is configured"
        text["origin"] = (
            f"Made from titles and passages, because {why}: what the model learns is to pick the right"
            " passage and to quote it."
        )
    return Produced(
        rows=len(rows),
        metrics={**metrics, **(_mix(rows) if mixed else {})},
        refused=dict(sorted(Counter(refusal.reason for refusal in refusals).items())),
        tables={"splits": tuple(splits)},
        text=text,
    )


def _mix(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Examples from feedback, and the shares of the train split that users and the model wrote."""
    origins = Counter(row["origin"] for row in rows if row["split"] == "train")
    trained = max(1, origins.total())
    return {
        "feedback/human": float(origins[HUMAN]),
        "feedback/model": float(origins[MODEL]),
        "feedback/share": (origins[HUMAN] + origins[MODEL]) / trained,
        "feedback/model_share": origins[MODEL] / trained,
    }
