"""Pictures are drawn in the colours that were asked for, with soft letters, and alike each time."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from headwater.curate.engine.canvas import Canvas
from headwater.figures import INK, KEPT, PALE, REFUSED


def test_bars_have_their_colours_and_words_soft_edges_of_ink(tmp_path: Path) -> None:
    for name in ("once", "twice"):
        canvas = Canvas(200, 100)
        for place, color in enumerate((KEPT, REFUSED, PALE)):
            canvas.bar(10 + 20 * place, 60, 20 + 20 * place, 80, color)
        canvas.bar(150, 60, 150.2, 80, KEPT)
        canvas.words(10, 30, "MMM", "lm")
        canvas.save(tmp_path / f"{name}.png")
    assert (tmp_path / "once.png").read_bytes() == (tmp_path / "twice.png").read_bytes()
    with Image.open(tmp_path / "once.png") as found:
        picture = found.convert("RGB")
    for place, color in enumerate((KEPT, REFUSED, PALE)):
        assert picture.getpixel((15 + 20 * place, 70)) == _parts(color)
    assert picture.getpixel((150, 70)) == (255, 255, 255)
    letters = picture.crop((10, 15, 80, 45))
    colors = {color for _, color in letters.getcolors() or []}
    assert {_parts(INK), (255, 255, 255)} <= colors
    assert len(colors) > 4


def _parts(color: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(color[1:]))
