"""The pictures of a tier: what each step refused, and how scores are spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from headwater.curate.engine.canvas import LARGE, Canvas, widest
from headwater.figures import KEPT, LINE, PALE, REFUSED

BINS = 20
MOST_MEASURES = 9
_COLUMNS = 3
_UNITS = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))
_WIDTH, _MARGIN = 1280, 24
_TITLE, _ROW, _AXIS = 64, 56, 48
_BAR = 36
_HISTOGRAM = 270


def draw_waterfall(rows: Sequence[Mapping[str, Any]], counted: str, path: Path) -> None:
    """A bar for each step, from what came in to what went out; the share that it refused stands out.

    `rows` are those of `waterfall.Flow`; `counted` names what is counted, e.g. documents.
    """
    canvas = Canvas(_WIDTH, _TITLE + _ROW * len(rows) + _AXIS)
    first = _MARGIN + widest([row["step"] for row in rows]) + _MARGIN
    panel = (_WIDTH - first) / 2
    for place, row in enumerate(rows):
        canvas.words(first - _MARGIN / 2, _middle(place), row["step"], "rm")
    kinds = (
        (counted, "in", "refused", "out", _count),
        ("bytes", "bytes_in", "bytes_refused", "bytes_out", _size),
    )
    for number, (title, came, refused, left, spell) in enumerate(kinds):
        start, total = first + number * panel, max(1, rows[0][came])
        # The rest of the width is for the words behind the longest bar.
        full = (panel - _MARGIN) * 0.8
        heading = f"{title}: {spell(rows[0][came])} in, {spell(rows[-1][left])} out"
        canvas.words(start, _TITLE / 2, heading, "lm", size=LARGE)
        bottom = _TITLE + _ROW * len(rows)
        for share, label in ((0.0, "0"), (0.5, "50 %"), (1.0, "100 %")):
            tick = start + full * share
            canvas.bar(tick, _TITLE, tick + 1, bottom, PALE)
            canvas.words(tick, bottom + _AXIS / 2, label, "mm")
        for place, row in enumerate(rows):
            top, bottom = _middle(place) - _BAR / 2, _middle(place) + _BAR / 2
            kept, whole = start + full * row[left] / total, start + full * row[came] / total
            canvas.bar(start, top, kept, bottom, KEPT)
            canvas.bar(kept, top, whole, bottom, REFUSED)
            if row[refused]:
                canvas.words(whole + 8, _middle(place), f"-{spell(row[refused])}", "lm")
    canvas.save(path)


def draw_scores(measures: Mapping[str, np.ndarray[Any, Any]], path: Path) -> None:
    """A histogram of each measure of the kept documents, those that vary first; the upper end is the 99th
    percentile."""
    names = sorted(measures, key=lambda name: (not np.ptp(measures[name]), name))[:MOST_MEASURES]
    canvas = Canvas(_WIDTH, _HISTOGRAM * -(-len(names) // _COLUMNS))
    width = _WIDTH / _COLUMNS
    for place, name in enumerate(names):
        values = measures[name]
        counts, edges = np.histogram(np.minimum(values, np.quantile(values, 0.99)), bins=BINS)
        start, top = place % _COLUMNS * width + _MARGIN, place // _COLUMNS * _HISTOGRAM
        canvas.words(start, top + _TITLE / 2, name, "lm", size=LARGE)
        step = (width - 2 * _MARGIN) / BINS
        bottom = top + _HISTOGRAM - _AXIS
        height = bottom - top - _TITLE
        for column, count in enumerate(counts.tolist()):
            left = start + column * step
            canvas.bar(left, bottom - height * count / counts.max(), left + step, bottom, KEPT)
        canvas.bar(start, bottom, start + BINS * step, bottom + 1, LINE)
        canvas.words(start, bottom + _AXIS / 2, f"{edges[0]:.4g}", "lm")
        canvas.words(start + BINS * step, bottom + _AXIS / 2, f"{edges[-1]:.4g}", "rm")
    canvas.save(path)


def _middle(place: int) -> float:
    return _TITLE + _ROW * (place + 0.5)


def _count(value: int) -> str:
    return f"{value:,}"


def _size(value: int) -> str:
    for size, unit in _UNITS:
        if value >= size:
            return f"{value / size:,.1f} {unit}"
    return f"{value} B"
