"""reStructuredText."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from headwater.curate.extract.base import Document, RawFile, Refuse, whole
from headwater.curate.extract.html import indented

# docutils reads 130 KB a second: this much takes half a minute.
MAX_CHARACTERS = 4 << 20
_ROLE = re.compile(r":[\w:+.-]{1,80}:`(?:([^`<>]{1,300}?)\s{0,9}<[^`<>]{0,300}>|[~!]?([^`]{1,600}))`")
_SETTINGS = {
    "report_level": 5,
    "halt_level": 6,
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "_disable_config": True,
    "syntax_highlight": "none",
    "doctitle_xform": False,
    "warning_stream": False,
    "input_encoding": "unicode",
}


def rst(file: RawFile) -> Iterator[Document]:
    """The text of an RST file; its title is the first section's."""
    source = file.text()
    text, title = rst_text(source)
    return whole(text, len(source), title=title, section=file.folders)


def rst_text(source: str) -> tuple[str, str]:
    """Text and first section title of an RST text; roles and directives of Sphinx lose their markup.

    Raises `Refuse`: `too_large` over 4 Mi characters, `too_deep` when the nesting exhausts the parser.
    """
    if len(source) > MAX_CHARACTERS:
        raise Refuse("too_large", f"{len(source):,} characters; limit for RST {MAX_CHARACTERS:,}")
    from docutils.core import publish_doctree

    try:
        tree = publish_doctree(source, settings_overrides=_SETTINGS)
        blocks = list(_blocks(tree, 0))
    except RecursionError as error:
        raise Refuse("too_deep", "blocks nest deeper than the RST parser can follow") from error
    title = next((block[2:] for block in blocks if block.startswith("# ")), "")
    return "\n\n".join(block for block in blocks if block.strip()), title


def _blocks(node: Any, depth: int) -> Iterator[str]:
    from docutils import nodes

    for child in node.children:
        match child:
            case nodes.section():
                yield from _blocks(child, depth + 1)
            case nodes.title() | nodes.rubric():
                yield "#" * min(6, max(1, depth)) + " " + _flat(child)
            case nodes.literal_block() | nodes.doctest_block():
                yield indented(child.astext())
            case nodes.bullet_list() | nodes.enumerated_list():
                mark = "- " if isinstance(child, nodes.bullet_list) else "1. "
                yield "\n".join(mark + " ".join(_words(item)) for item in child.children)
            case nodes.definition_list_item() | nodes.field():
                yield ": ".join(" ".join(_words(part)) for part in child.children)
            case nodes.row():
                yield " | ".join(" ".join(_words(cell)) for cell in child.children)
            case nodes.paragraph() | nodes.line() | nodes.attribution() | nodes.caption():
                yield _flat(child)
            case nodes.Invisible() | nodes.system_message() | nodes.raw() | nodes.image():
                continue
            case nodes.Text():
                yield child.astext()
            case _:
                yield from _blocks(child, depth)


def _words(node: Any) -> Iterator[str]:
    for block in _blocks(node, 0):
        yield from block.split()


def _flat(node: Any) -> str:
    return " ".join(_ROLE.sub(lambda match: match.group(1) or match.group(2), node.astext()).split())
