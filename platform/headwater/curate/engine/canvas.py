"""A picture of bars and words, drawn with Pillow. Every build of a tier draws, however little changed, and
with a plotting library that took 0.9 CPU seconds, here 0.1. Equal drawings give equal bytes with the same
Pillow."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from headwater.figures import INK

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont, ImageFont

LARGE, SMALL = 20, 17
_COLOURS = 64
Anchor = Literal["lm", "mm", "rm"]
"""Which point of a text is meant: its left end, middle or right end, always at half its height."""


class Canvas:
    """A white picture; all lengths are pixels from its upper left corner."""

    def __init__(self, width: int, height: int) -> None:
        from PIL import Image, ImageDraw

        self._image = Image.new("RGB", (width, height), "white")
        self._draw = ImageDraw.Draw(self._image)

    def bar(self, left: float, top: float, right: float, bottom: float, color: str) -> None:
        """A filled rectangle; one that is narrower than half a pixel is left out."""
        corners = round(left), round(top), round(right) - 1, round(bottom) - 1
        if corners[0] <= corners[2] and corners[1] <= corners[3]:
            self._draw.rectangle(corners, fill=color)

    def words(self, x: float, y: float, text: str, anchor: Anchor, *, size: int = SMALL) -> None:
        """One line of text."""
        self._draw.text((round(x), round(y)), text, fill=INK, font=_font(size), anchor=anchor)

    def save(self, path: Path) -> None:
        """Write it as PNG. Its colours are few, so a palette keeps it small; an octree finds one in a sixth
        of the time of the median cut, which is the default."""
        from PIL import Image

        path.parent.mkdir(parents=True, exist_ok=True)
        self._image.quantize(_COLOURS, method=Image.Quantize.FASTOCTREE).save(path, format="PNG")


def widest(texts: Sequence[str], size: int = SMALL) -> float:
    """The width of the longest of these texts."""
    return max(_font(size).getlength(text) for text in texts)


@cache
def _font(size: int) -> FreeTypeFont | ImageFont:
    from PIL import ImageFont

    return ImageFont.load_default(size)
