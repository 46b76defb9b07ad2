"""HTML: the main text, without scripts, styles and navigation."""

from __future__ import annotations

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from headwater.curate.extract.base import Document, RawFile, Refuse, whole

MAX_DEPTH = 1000
MAX_ATTRIBUTES = 2000
MAIN_SHARE = 0.25

_SKIPPED = frozenset(
    [
        "script",
        "style",
        "noscript",
        "template",
        "nav",
        "aside",
        "footer",
        "svg",
        "math",
        "iframe",
        "object",
        "select",
        "button",
        "head",
        "title",
    ]
)
_SKIPPED_ROLES = frozenset(("navigation", "search", "contentinfo", "banner"))
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BLOCKS = frozenset(
    [
        "address",
        "article",
        "blockquote",
        "body",
        "center",
        "dd",
        "details",
        "dialog",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "form",
        "header",
        "hr",
        "html",
        "important",
        "main",
        "note",
        "ol",
        "p",
        "section",
        "summary",
        "table",
        "tbody",
        "thead",
        "tfoot",
        "tr",
        "ul",
        "caption",
    ]
)
_CELLS = frozenset(("td", "th"))
_SPACE = re.compile(r"\s+")
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9-]*)([^<>]*)>")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
# Elements without an end tag, or whose end tag authors may leave out: they say nothing about the depth.
_UNBALANCED = frozenset(
    [
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "param",
        "source",
        "track",
        "wbr",
        "p",
        "li",
        "dt",
        "dd",
        "tr",
        "td",
        "th",
        "thead",
        "tbody",
        "tfoot",
        "option",
        "optgroup",
        "colgroup",
        "rt",
        "rp",
        "html",
        "head",
        "body",
    ]
)


def html(file: RawFile) -> Iterator[Document]:
    """The main text of a page; its title is that of the page, or the first heading of level 1."""
    source = file.text()
    tree = _parse(source)
    heading = tree.css_first("title") or tree.css_first("h1")
    title = _SPACE.sub(" ", heading.text()).strip() if heading else ""
    root = _main(tree)
    return whole(_render(root) if root else "", len(source), title=title, section=file.folders)


def html_text(fragment: str) -> str:
    """The text of a piece of HTML. Raises `Refuse` with `too_deep` or `too_complex`."""
    root = _parse(fragment).body
    return _render(root) if root else ""


def _parse(source: str) -> LexborHTMLParser:
    # The parser walks up all open elements at each block, and compares each attribute with all before it:
    # 200,000 open <div> took 265 s, 65,000 attributes 8 s.
    depth = deepest = 0
    for match in _TAG.finditer(source):
        closing, name, rest = match.groups()
        if name.lower() not in _UNBALANCED and not rest.endswith("/"):
            depth = max(0, depth + (-1 if closing else 1))
            deepest = max(deepest, depth)
        if len(rest) > MAX_ATTRIBUTES and len(_QUOTED.sub("", rest).split()) > MAX_ATTRIBUTES:
            raise Refuse("too_complex", f"an element with more than {MAX_ATTRIBUTES:,} attributes")
    if deepest > MAX_DEPTH:
        raise Refuse("too_deep", f"elements nest {deepest:,} deep; limit {MAX_DEPTH:,}")
    return LexborHTMLParser(source)


def _main(tree: LexborHTMLParser) -> LexborNode | None:
    body = tree.body
    if body is None:
        return None
    for selector in ("main", "[role=main]", "article"):
        found = tree.css(selector)
        if len(found) == 1 and len(found[0].text()) >= MAIN_SHARE * len(body.text()):
            return found[0]
    return body


def _render(root: LexborNode) -> str:
    writer = _Writer()
    node: LexborNode | None = root
    while node is not None:
        down = writer.enter(node)
        following = node.child if down else None
        while following is None and node is not None:
            writer.leave(node)
            if node.mem_id == root.mem_id:
                return writer.finish()
            following = node.next
            node = node.parent if following is None else node
        node = following
    return writer.finish()


class _Writer:
    """Gathers inline text into blocks; a block is a line or, for code, some indented lines."""

    def __init__(self) -> None:
        self._blocks: list[str] = []
        self._inline: list[str] = []
        self._prefix = ""
        self._code = 0
        self._lists = 0

    def enter(self, node: LexborNode) -> bool:
        tag = node.tag or ""
        if tag == "-text":
            self._inline.append(node.text_content or "")
            return False
        if tag.startswith("-") or tag in _SKIPPED or _hidden(node):
            return False
        if tag in _HEADINGS:
            self._flush()
            self._prefix = "#" * _HEADINGS[tag] + " "
        elif tag == "li":
            self._flush()
            self._prefix = "  " * min(1, self._lists - 1) + "- "
        elif tag == "pre":
            self._flush()
            self._code += 1
        elif tag == "br":
            self._inline.append("\n" if self._code else " ")
        elif tag in _CELLS:
            if any(piece.strip() for piece in self._inline):
                self._inline.append(" | ")
        elif tag in _BLOCKS:
            self._flush()
            self._lists += tag in ("ul", "ol")
        return True

    def leave(self, node: LexborNode) -> None:
        tag = node.tag or ""
        if tag in _SKIPPED or _hidden(node):
            return
        if tag in _HEADINGS or tag == "li":
            self._flush()
            self._prefix = ""
        elif tag == "pre":
            self._flush()
            self._code -= 1
        elif tag in _BLOCKS:
            self._flush()
            self._lists -= tag in ("ul", "ol")

    def finish(self) -> str:
        self._flush()
        return "\n\n".join(self._blocks)

    def _flush(self) -> None:
        text = "".join(self._inline)
        self._inline.clear()
        if not text.strip():
            return
        if self._code:
            self._blocks.append(indented(text))
            return
        block = self._prefix + _SPACE.sub(" ", text).strip()
        if self._prefix.lstrip().startswith("- ") and self._blocks and _is_item(self._blocks[-1]):
            self._blocks[-1] += "\n" + block
        else:
            self._blocks.append(block)
        self._prefix = ""


def _is_item(block: str) -> bool:
    return block.rpartition("\n")[2].lstrip().startswith("- ")


def indented(code: str) -> str:
    """Code as it stands in a document's text: each line four spaces to the right."""
    lines = code.strip("\n").expandtabs(4).split("\n")
    return "\n".join("    " + line.rstrip() if line.strip() else "" for line in lines)


def _hidden(node: LexborNode) -> bool:
    if (node.tag or "").startswith("-"):
        return False
    attributes = node.attributes
    return bool(attributes) and ("hidden" in attributes or attributes.get("role") in _SKIPPED_ROLES)
