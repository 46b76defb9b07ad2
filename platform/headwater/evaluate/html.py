"""Just enough HTML: text is escaped unless it is marked as HTML already."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Sequence
from pathlib import Path

from headwater.evaluate.style import STYLE


class Html(str):
    """Text that is HTML; plain strings are escaped where they are put in."""

    __slots__ = ()


def escaped(value: object) -> Html:
    """HTML as it is, anything else escaped."""
    return value if isinstance(value, Html) else Html(html.escape(str(value)))


def joined(parts: Iterable[object]) -> Html:
    """Parts one after the other."""
    return Html("\n".join(escaped(part) for part in parts))


def tag(name: str, *content: object, cls: str = "") -> Html:
    """An element."""
    attribute = f' class="{html.escape(cls)}"' if cls else ""
    return Html(f"<{name}{attribute}>{''.join(escaped(part) for part in content)}</{name}>")


def table(headers: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: Sequence[int] = ()) -> Html:
    """A table; the columns in `numbers` are aligned to the right."""

    def cells(name: str, values: Sequence[object]) -> Html:
        return Html(
            "".join(
                tag(name, value, cls="number" if index in numbers else "")
                for index, value in enumerate(values)
            )
        )

    head = tag("thead", tag("tr", cells("th", headers)))
    body = tag("tbody", joined(tag("tr", cells("td", row)) for row in rows))
    return tag("div", tag("table", head, body), cls="scroll")


def picture(path: Path, alt: str, caption: str = "") -> Html:
    """A PNG inside the page."""
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    image = Html(f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{data}">')
    return tag("figure", image, tag("figcaption", caption) if caption else Html(""))


def page(title: str, *content: object) -> str:
    """A complete document without scripts or links to anything outside."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{joined(content)}\n</main>\n</body>\n</html>\n"
    )
