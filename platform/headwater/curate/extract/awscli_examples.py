"""The AWS command line's examples: one document for each titled example."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence

from headwater.curate.extract.base import Document, RawFile, Refuse, Rejected

_BOLD = re.compile(r"^\*\*(?P<title>[^*]+(?:[*][^*]+)*)\*\*(?P<rest>[^*.:]*):?\s*$")
_UNDERLINE = re.compile(r"^([=\-~^\"'])\1{3,}\s*$")
_NUMBER = re.compile(r"^(?:Example\s*\d+\s*[:.]?|\d+\.)\s*", re.IGNORECASE)
_MARKUP = re.compile(r"``?|(?<!\w)\*+|\*+(?!\w)")
# Bold lines and headings that label a part of an example.
_LABELS = re.compile(
    r"^(?:note|output|command|important|tip|warning|see also|examples?|syntax|json syntax|contents)\b:?",
    re.IGNORECASE,
)
_COMMAND = re.compile(r"^[ \t]+(?:\$ )?aws[ \t]+\S")
# The longest command of awscli 1.46 has 34 lines; an unclosed quotation must not take in the whole file.
MAX_COMMAND_LINES = 200
_SLUG = re.compile(r"[^a-z0-9]+")


def awscli_examples(file: RawFile) -> Iterator[Document | Rejected]:
    """Titled examples of `<service>/<operation>.rst`, each as its title and its first command.

    Attributes: service, operation (with the group before it where there is one, e.g. `wait
    instance-running`), question (the title without its number), command (on one line). Refused: examples
    without command (`no_command`), files without a title (`no_title`).
    """
    parts = file.path.removesuffix(".rst").split("/")
    service, operation = parts[0], " ".join(parts[1:])
    lines = file.text().split("\n")
    titles = list(_titles(lines))
    if not titles:
        raise Refuse("no_title", "no titled example", "\n".join(lines)[:300])
    seen: Counter[str] = Counter()
    for index, (number, title) in enumerate(titles):
        end = titles[index + 1][0] if index + 1 < len(titles) else len(lines)
        slug = _SLUG.sub("-", title.lower()).strip("-")
        seen[slug] += 1
        fragment = slug if seen[slug] == 1 else f"{slug}-{seen[slug]}"
        command = _command(lines[number + 1 : end], service, operation)
        if command is None:
            excerpt = "\n".join(lines[number:end])
            yield Rejected(fragment, "no_command", "no indented command that begins with aws", excerpt)
            continue
        yield Document(
            f"{title}\n\n{command}",
            title,
            section=f"{service} > {operation}",
            fragment=fragment,
            attributes={"service": service, "operation": operation, "question": title, "command": command},
        )


def _titles(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Line number and text of each title: a bold line or, in older files, an underlined one."""
    for number, line in enumerate(lines):
        bold = _BOLD.match(line)
        if bold and not line.rstrip().endswith("::"):
            title = f"{bold['title']} {bold['rest']}"
        elif line[:1].strip() and number + 1 < len(lines) and _UNDERLINE.match(lines[number + 1]):
            title = line
        else:
            continue
        title = " ".join(_MARKUP.sub("", _NUMBER.sub("", title.strip())).split()).rstrip(":.")
        if title and not _LABELS.match(title):
            yield number, title


def _command(body: Sequence[str], service: str, operation: str) -> str | None:
    """The first command of this operation or, where there is none, of any; on one line."""
    starts = [index for index, line in enumerate(body) if _COMMAND.match(line)]
    if not starts:
        return None
    commands = (_joined(body[start : start + MAX_COMMAND_LINES]) for start in starts)
    own = f"aws {service} {operation}"
    first = _joined(body[starts[0] : starts[0] + MAX_COMMAND_LINES])
    return next((command for command in commands if f"{command} ".startswith(f"{own} ")), first)


def _joined(body: Sequence[str]) -> str:
    block: list[str] = []
    for line in body:
        if line.strip() and not line[0].isspace():
            break
        block.append(line.strip())
        if not _continues(block):
            break
    pieces = (line.removesuffix("\\").strip() for line in block)
    return " ".join(piece for piece in pieces if piece).removeprefix("$ ")


def _continues(block: Sequence[str]) -> bool:
    """Whether a command goes on: after a backslash, or because a quotation is open."""
    if block[-1].endswith("\\"):
        return True
    try:
        shlex.split("\n".join(block))
    except ValueError:
        return True
    return False
