"""The look of pictures. Equal figures give equal bytes with the same matplotlib: no date in them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, PALE, LINE = "#334155", "#e2e8f0", "#94a3b8"
KEPT, REFUSED = "#3f8f70", "#e8b4a0"
_DOTS_PER_INCH = 160


def new_figure(width: float, height: float) -> Figure:
    """A figure (inches) outside pyplot, which keeps global state and looks for a display."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=_DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def styled(axes: Any) -> Any:
    """Axes without a frame, in the house's colours."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(LINE)
    axes.tick_params(colors=INK, labelsize=9)
    axes.yaxis.label.set_color(INK)
    return axes


def save_figure(figure: Figure, path: Path) -> None:
    """Write it as PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="png", metadata={"Software": "Headwater"})
