"""What a build of silver reports."""

from __future__ import annotations

from headwater.curate.engine.build import Built
from headwater.curate.engine.pictures import draw_scores, draw_waterfall
from headwater.curate.engine.summary import Kept, Refused
from headwater.curate.engine.waterfall import check
from headwater.tables import count_rows
from headwater.workspace import Produced, Workspace


def report(built: Built, workspace: Workspace) -> Produced:
    """Numbers, tables and the check over what stands below `workspace.out`."""
    refused = Refused.of(workspace.out / "quarantine")
    rows = count_rows(workspace.out)
    kept = Kept.of(workspace.out, rows)
    waterfall = built.flow.rows()
    pictures = {"waterfall": workspace.out / "waterfall.png"}
    draw_waterfall(waterfall, "documents", pictures["waterfall"])
    if kept.measures:
        pictures["scores"] = workspace.out / "scores.png"
        draw_scores(kept.measures, pictures["scores"])
    return Produced(
        rows=rows,
        metrics={
            "documents_in": built.flow.documents,
            "documents": rows,
            "documents_judged": built.judged,
            "bytes_in": built.flow.bytes,
            "bytes": built.bytes_out,
            "redactions": kept.redactions.total(),
        },
        refused=refused.counted(1),
        tables={
            "waterfall": waterfall,
            "languages": kept.most_languages(),
            "redactions": tuple(
                {"kind": kind, "redactions": count} for kind, count in sorted(kept.redactions.items())
            ),
            "refused": tuple(refused.samples),
            "scores": kept.histograms(),
        },
        pictures=pictures,
        checks=(
            check(
                waterfall,
                came_in=count_rows(workspace.inputs["bronze"]),
                went_out=rows,
                refused=refused.counted(0),
            ),
        ),
    )
