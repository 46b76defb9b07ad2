"""Remains of markup in prose: tags of elements that are closed in it, and character references."""

from __future__ import annotations

import html
import re
from functools import lru_cache

from headwater.curate.kernels.normalize import ENTITIES, TAGS

_CLOSING = re.compile(rf"</({'|'.join(TAGS)}) ?>", re.IGNORECASE)
_ENTITY = rf"&(?:{'|'.join(ENTITIES)}|#[0-9]{{1,7}}|#x[0-9a-fA-F]{{1,6}});"
_EMPTY_TAGS = ("br", "hr", "img")
_CODE = re.compile(r"((?:^ {4}.*\n?)++)", re.MULTILINE)


def without_markup(text: str) -> str:
    """The text without the tags of elements that end in it, and with character references resolved.

    Lines that begin with four spaces are code: they keep everything, and a tag closed only there counts as
    open. A lone `<b>` that prose talks about has no end tag and stays.
    """
    parts = _CODE.split(text)
    prose = parts[::2]
    closed = sorted({name.lower() for part in prose for name in _CLOSING.findall(part)})
    remains = _remains(tuple(closed))
    parts[::2] = [remains.sub(_resolved, part) for part in prose]
    return "".join(parts)


@lru_cache(maxsize=1024)
def _remains(closed: tuple[str, ...]) -> re.Pattern[str]:
    """Matches character references, and the tags of these elements and of empty ones if there are any."""
    if not closed:
        return re.compile(_ENTITY)
    names = "|".join((*closed, *_EMPTY_TAGS))
    return re.compile(rf"</?(?i:{names})(?:[ \t][^<>\n]{{0,500}})?/?>|{_ENTITY}")


def _resolved(found: re.Match[str]) -> str:
    remains = found.group()
    return html.unescape(remains) if remains.startswith("&") else ""
