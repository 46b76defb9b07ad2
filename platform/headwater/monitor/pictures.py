"""Pictures of a verdict. Equal verdicts give equal bytes with the same matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from headwater.figures import INK, KEPT, PALE, REFUSED, new_figure, save_figure, styled
from headwater.monitor.profile import Profile
from headwater.monitor.rows import Observed
from headwater.monitor.verdict import FAMILIES, WindowVerdict

COLOURS = {
    "ok": "#3f8f70",
    "warn": "#d9a13b",
    "drift": "#b83232",
    "insufficient": "#cbd5e1",
    "not_comparable": "#7c5cab",
}
MOST_WINDOWS = 30
MOST_POINTS = 1500


def draw_history(verdicts: Sequence[WindowVerdict], path: Path) -> None:
    """The verdict of every family (rows) in the last 30 windows (columns), oldest first."""
    shown = list(verdicts)[-MOST_WINDOWS:]
    figure = new_figure(6.4, 2.3)
    axes = styled(figure.add_subplot())
    for row, family in enumerate(FAMILIES):
        for column, verdict in enumerate(shown):
            colour = COLOURS[verdict.status(family)]
            axes.add_patch(_square(column, row, colour))
    axes.set_xlim(-0.6, max(10, len(shown)) - 0.4)
    axes.set_ylim(len(FAMILIES) - 0.4, -0.6)
    axes.set_yticks(range(len(FAMILIES)), FAMILIES)
    axes.set_xticks([])
    axes.set_xlabel("windows, the newest last", color=INK, fontsize=9)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(left=False)
    for status, colour in COLOURS.items():
        axes.plot([], [], "s", color=colour, label=status.replace("_", " "))
    figure.legend(frameon=False, ncols=5, loc="outside upper center", fontsize=8)
    save_figure(figure, path)


def draw_map(rows: Observed, profile: Profile, path: Path) -> None:
    """Reference and window on the reference's first two principal components; gaps stand out in colour."""
    figure = new_figure(5.0, 3.6)
    axes = styled(figure.add_subplot())
    low = rows.similarity < profile.answerable_similarity
    for vectors, colour, size, label in (
        (profile.reference.embeddings, PALE, 7, "reference"),
        (rows.embeddings[~low], KEPT, 9, "window"),
        (rows.embeddings[low], "#b83232", 11, "window, not covered"),
    ):
        step = max(1, len(vectors) // MOST_POINTS)
        places = (vectors[::step] - profile.mean) @ profile.basis[:2].T
        axes.scatter(places[:, 0], places[:, 1], s=size, color=colour, label=label, linewidths=0)
    axes.set_xticks([])
    axes.set_yticks([])
    figure.legend(frameon=False, ncols=3, loc="outside upper center", fontsize=8)
    save_figure(figure, path)


def draw_similarity(rows: Observed, profile: Profile, path: Path) -> None:
    """How near the index comes to the questions: reference, window, and the cut of what it can answer."""
    figure = new_figure(5.0, 2.6)
    axes = styled(figure.add_subplot())
    bins = np.linspace(0, 1, 41)
    for similarity, colour, label in (
        (profile.reference.similarity, "#94a3b8", "reference"),
        (rows.similarity, REFUSED, "window"),
    ):
        known = np.clip(similarity[~np.isnan(similarity)], 0, 1)
        weights = np.full(len(known), 1 / max(1, len(known)))
        axes.hist(known, bins=bins, weights=weights, color=colour, alpha=0.65, label=label)
    axes.axvline(profile.answerable_similarity, color="#b83232", linewidth=1.2)
    axes.set_xlabel("cosine of the nearest passage", color=INK, fontsize=9)
    axes.set_ylabel("share of questions", fontsize=9)
    axes.legend(frameon=False, fontsize=8)
    save_figure(figure, path)


def _square(column: int, row: int, colour: str) -> object:
    from matplotlib.patches import Rectangle

    return Rectangle((column - 0.42, row - 0.36), 0.84, 0.72, color=colour)
