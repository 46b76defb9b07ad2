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
_SHADES = 16
"""Places of the palette from white to the ink of words; those of other colours follow."""
_RUNS = 3
"""zlib's strategy that looks for runs alone, a third of the time for files a tenth to a half larger."""
Anchor = Literal["lm", "mm", "rm"]
"""Which point of a text is meant: its left end, middle or right end, always at half its height."""


class Canvas:
    """A white picture; all lengths are pixels from its upper left corner."""

    def __init__(self, width: int, height: int) -> None:
        from PIL import Image, ImageColor, ImageDraw

        # Drawn with a palette: to find one for a picture in full colour takes longer than to draw it. The
        # edge of a letter, between place 0 and the ink, has its shade at the place between.
        self._image = Image.new("P", (width, height), 0)
        self._draw = ImageDraw.Draw(self._image)
        self._draw.fontmode = "L"
        ink = ImageColor.getrgb(INK)[:3]
        self._palette: list[int] = []
        for shade in range(_SHADES):
            self._palette += (255 - (255 - part) * shade // (_SHADES - 1) for part in ink)
        self._places: dict[str, int] = {}

    def bar(self, left: float, top: float, right: float, bottom: float, color: str) -> None:
        """A filled rectangle; one that is narrower than half a pixel is left out."""
        corners = round(left), round(top), round(right) - 1, round(bottom) - 1
        if corners[0] <= corners[2] and corners[1] <= corners[3]:
            self._draw.rectangle(corners, fill=self._place(color))

    def words(self, x: float, y: float, text: str, anchor: Anchor, *, size: int = SMALL) -> None:
        """One line of text."""
        self._draw.text((round(x), round(y)), text, fill=_SHADES - 1, font=_font(size), anchor=anchor)

    def save(self, path: Path) -> None:
        """Write it as PNG."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._image.putpalette(self._palette)
        self._image.save(path, format="PNG", compress_type=_RUNS)

    def _place(self, color: str) -> int:
        """The place of a colour in the palette."""
        from PIL import ImageColor

        if color not in self._places:
            self._places[color] = _SHADES + len(self._places)
            self._palette += ImageColor.getrgb(color)[:3]
        return self._places[color]


def widest(texts: Sequence[str], size: int = SMALL) -> float:
    """The width of the longest of these texts."""
    return max(_font(size).getlength(text) for text in texts)


@cache
def _font(size: int) -> FreeTypeFont | ImageFont:
    from PIL import ImageFont

    return ImageFont.load_default(size)
