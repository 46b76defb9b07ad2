"""Markdown (CommonMark with tables)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

from headwater.curate.extract.base import Document, RawFile, Refuse, whole
from headwater.curate.extract.html import html_text, indented

# In the worst case, brackets alone, the parser reads 90 KB a second: this much takes a minute and a half.
MAX_CHARACTERS = 8 << 20
_FRONT_MATTER = re.compile(r"\A---\n(.*?\n)(?:---|\.\.\.)(?:\n|\Z)", re.DOTALL)
_FRONT_TITLE = re.compile(r"^title:[ \t]*(.+?)[ \t]*$", re.MULTILINE)


def markdown(file: RawFile) -> Iterator[Document]:
    """The text of a Markdown file; its title is that of the front matter, or the first heading of level 1."""
    source = file.text()
    front = _FRONT_MATTER.match(source)
    found = _FRONT_TITLE.search(front.group(1)) if front else None
    text, heading = markdown_text(source[front.end() :] if front else source)
    title = found.group(1).strip("\"'") if found else heading
    return whole(text, len(source), title=title, section=file.folders)


def markdown_text(source: str) -> tuple[str, str]:
    """Text and first heading of level 1 of a Markdown text.

    Raises `Refuse`: `too_large` over 8 Mi characters, and for HTML bombs inside it.
    """
    if len(source) > MAX_CHARACTERS:
        raise Refuse("too_large", f"{len(source):,} characters; limit for Markdown {MAX_CHARACTERS:,}")
    blocks: list[str] = []
    title = prefix = ""
    lists: list[str] = []
    cells: list[str] | None = None
    for token in _parser().parse(source):
        match token.type:
            case "heading_open":
                prefix = "#" * int(token.tag[1]) + " "
            case "bullet_list_open" | "ordered_list_open":
                lists.append("1. " if token.type[0] == "o" else "- ")
            case "bullet_list_close" | "ordered_list_close":
                lists.pop()
            case "list_item_open":
                prefix = "  " * min(1, len(lists) - 1) + lists[-1]
            case "list_item_close":
                prefix = ""
            case "tr_open":
                cells = []
            case "tr_close":
                _append(blocks, " | ".join(cells or []), joined=not _first_row(blocks))
                cells = None
            case "inline":
                text = _inline(token.children or [])
                if cells is not None:
                    cells.append(text)
                    continue
                if prefix == "# " and not title:
                    title = text
                _append(blocks, prefix + text, joined=bool(lists) and bool(prefix))
                prefix = ""
            case "fence" | "code_block":
                _append(blocks, indented(token.content))
            case "html_block":
                _append(blocks, html_text(token.content))
            case "table_open":
                blocks.append("")
            case _:
                pass
    return "\n\n".join(block for block in blocks if block.strip()), title


def _first_row(blocks: Sequence[str]) -> bool:
    return not blocks or blocks[-1] == ""


def _append(blocks: list[str], text: str, *, joined: bool = False) -> None:
    """Add a block, or a line to the last one: rows of a table and items of a list stay together."""
    if not text.strip():
        return
    last = blocks[-1] if blocks else ""
    if joined and last and not last.startswith(("#", "    ")):
        blocks[-1] = last + "\n" + text
    else:
        blocks.append(text)


def _inline(children: Sequence[Token]) -> str:
    pieces: list[str] = []
    for child in children:
        match child.type:
            case "text" | "code_inline" | "text_special":
                pieces.append(child.content)
            case "softbreak" | "hardbreak":
                pieces.append(" ")
            case "image":
                pieces.append(_inline(child.children or []))
            case _:
                pass
    return " ".join("".join(pieces).split())


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark").enable("table")
