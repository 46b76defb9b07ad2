"""The pictures of a report. Equal figures give equal bytes with the same matplotlib: no date in them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headwater.evaluate.metrics import DEPTH
from headwater.evaluate.retrieval import RetrievalEvaluation
from headwater.figures import INK, PALE, new_figure, save_figure, styled
from headwater.index.search import METHODS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = {"dense": "#2b6cb0", "bm25": "#c2621c", "hybrid": "#2f855a"}
_CUTOFFS = (1, 5, 10)
_RANKS = (("first", 1, 1), ("2 to 3", 2, 3), ("4 to 5", 4, 5), ("6 to 10", 6, DEPTH))
_SHADES = ("#1e5b46", "#3f8f70", "#86bfa6", "#c5e0d4")


def draw_recall(evaluation: RetrievalEvaluation, path: Path) -> None:
    """recall@1, 5 and 10 of every retriever with their intervals."""
    figure, axes = _figure(5.4, 3.4)
    for offset, method in enumerate(METHODS):
        estimates = [evaluation.averages[f"{method}/recall@{k}"] for k in _CUTOFFS]
        places = [place + (offset - (len(METHODS) - 1) / 2) * 0.12 for place in range(len(_CUTOFFS))]
        values = [item.value for item in estimates]
        spread = [
            [item.value - item.low for item in estimates],
            [item.high - item.value for item in estimates],
        ]
        axes.plot(places, values, color=COLOURS[method], alpha=0.35, linewidth=1.2)
        axes.errorbar(
            places,
            values,
            yerr=spread,
            color=COLOURS[method],
            fmt="o",
            markersize=6,
            capsize=4,
            linewidth=1.8,
            label=method,
        )
    lowest = min(evaluation.averages[f"{method}/recall@1"].low for method in METHODS)
    axes.set_xticks(range(len(_CUTOFFS)), [f"recall@{k}" for k in _CUTOFFS])
    axes.set_xlim(-0.45, len(_CUTOFFS) - 0.55)
    axes.set_ylim(max(0.0, lowest - 0.08), 1.02)
    axes.set_ylabel("share of questions' documents found")
    axes.grid(axis="y", color=PALE)
    axes.legend(frameon=False, loc="lower right")
    save_figure(figure, path)


def draw_ranks(evaluation: RetrievalEvaluation, path: Path) -> None:
    """Where the first right passage stands: share of questions by rank, one bar per retriever."""
    figure, axes = _figure(5.4, 2.5)
    for row, method in enumerate(reversed(METHODS)):
        ranks = [result["rank"] for result in evaluation.rows if result["retriever"] == method]
        left = 0.0
        for (label, low, high), shade in zip(_RANKS, _SHADES, strict=True):
            share = _share(ranks, low, high)
            axes.barh(
                row, share, left=left, color=shade, height=0.62, label=label if row == 0 else "_nolegend_"
            )
            _label(axes, left, share, row, light=shade in _SHADES[:2])
            left += share
        missed = _share(ranks, 0, 0)
        axes.barh(
            row,
            missed,
            left=left,
            color="#e8b4a0",
            height=0.62,
            label="not found" if row == 0 else "_nolegend_",
        )
        _label(axes, left, missed, row, light=False)
    axes.set_yticks(range(len(METHODS)), list(reversed(METHODS)))
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25 %", "50 %", "75 %", "100 %"])
    axes.spines["left"].set_visible(False)
    axes.tick_params(left=False)
    figure.legend(
        frameon=False, ncols=5, loc="outside upper center", fontsize=8, columnspacing=1.2, handlelength=1.4
    )
    save_figure(figure, path)


def _label(axes: Any, left: float, share: float, row: int, *, light: bool) -> None:
    if share >= 0.035:
        colour = "white" if light else INK
        axes.text(left + share / 2, row, f"{share:.0%}", ha="center", va="center", fontsize=8, color=colour)


def _share(ranks: Sequence[int], low: int, high: int) -> float:
    return sum(low <= rank <= high for rank in ranks) / len(ranks)


def _figure(width: float, height: float) -> tuple[Figure, Any]:
    figure = new_figure(width, height)
    return figure, styled(figure.add_subplot())
