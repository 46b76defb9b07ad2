"""Pictures of what questions are like, and of the service: the reference beside the window."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from headwater.figures import INK, REFUSED, new_figure, save_figure, styled
from headwater.monitor.clusters import Floats
from headwater.monitor.profile import Profile
from headwater.monitor.rows import Observed, WindowData

BEFORE = "#94a3b8"
MEASURES = ("quality", "toxicity", "perplexity")
BINS = 24
_Side = tuple[Floats, str, str]


def draw_measures(rows: Observed, profile: Profile, path: Path) -> None:
    """Quality, toxicity and perplexity, as far as both sides have them: shares of questions."""
    figure = new_figure(7.4, 2.3)
    for place, name in enumerate(MEASURES):
        axes = styled(figure.add_subplot(1, len(MEASURES), place + 1))
        axes.set_xlabel(name, color=INK, fontsize=9)
        before, now = (_known(side.measures.get(name)) for side in (profile.reference, rows))
        if not (len(before) and len(now)):
            _say(axes, "not measured")
            continue
        if name == "perplexity":
            axes.set_xscale("log")
            largest = max(float(before.max()), float(now.max()))
            bins = np.geomspace(1, max(10.0, largest), BINS + 1)
        else:
            bins = np.linspace(0, 1, BINS + 1)
        for values, colour, label in ((before, BEFORE, "reference"), (now, REFUSED, "window")):
            weights = np.full(len(values), 1 / len(values))
            axes.hist(values, bins=bins, weights=weights, color=colour, alpha=0.65, label=label)
        if place == 0:
            axes.set_ylabel("share of questions", fontsize=9)
            axes.legend(frameon=False, fontsize=8)
    save_figure(figure, path)


def draw_service(window: WindowData, profile: Profile, path: Path) -> None:
    """Latency as share of answers within a time, and the share of thumbs down with its number of votes."""
    served, requests, down = profile.served, window.requests, window.observed.down
    figure = new_figure(7.4, 2.3)
    latency, votes = (styled(figure.add_subplot(1, 2, place)) for place in (1, 2))
    _draw_latency(
        latency,
        [
            (_known(served.latency_ms if served else None), BEFORE, "before"),
            (_known(requests.latency_ms if requests else None), REFUSED, "window"),
        ],
    )
    _draw_votes(
        votes,
        [(_known(served.down if served else None), BEFORE, "before"), (_known(down), REFUSED, "window")],
    )
    save_figure(figure, path)


def _draw_latency(axes: Any, sides: Sequence[_Side]) -> None:
    axes.set_xlabel("latency in ms", color=INK, fontsize=9)
    axes.set_ylabel("share of answers within", fontsize=9)
    if not any(len(values) for values, _, _ in sides):
        _say(axes, "nothing was answered")
        return
    axes.set_xscale("log")
    for values, colour, label in sides:
        if len(values):
            ordered = np.maximum(np.sort(values), 0.1)
            axes.step(ordered, np.arange(1, len(ordered) + 1) / len(ordered), color=colour, label=label)
    axes.set_ylim(0, 1.02)
    axes.legend(frameon=False, fontsize=8)


def _draw_votes(axes: Any, sides: Sequence[_Side]) -> None:
    axes.set_xlabel("thumbs down, share of votes", color=INK, fontsize=9)
    axes.set_xlim(0, 1)
    axes.set_ylim(1.6, -0.6)
    axes.set_yticks(range(len(sides)), [label for _, _, label in sides])
    for place, (values, colour, _) in enumerate(sides):
        share = float(values.mean()) if len(values) else 0.0
        axes.barh(place, share, color=colour, height=0.6)
        told = f"{share:.1%} of {len(values):,} votes" if len(values) else "no votes"
        axes.text(min(share, 0.5) + 0.02, place, told, va="center", fontsize=8, color=INK)


def _known(values: Floats | None) -> Floats:
    return np.zeros(0, dtype=np.float32) if values is None else values[~np.isnan(values)]


def _say(axes: Any, what: str) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.text(0.5, 0.5, what, ha="center", va="center", transform=axes.transAxes, fontsize=9, color=INK)
