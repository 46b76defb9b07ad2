"""File patterns, read as in `.gitignore`: what almost everybody knows already."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache


class Patterns:
    """Patterns compiled once.

    A pattern without `/` matches the name of a file or folder at any depth; one with `/` matches the whole
    path from the root. `*` and `?` stay inside one part of the path, `**` spans any number of parts,
    `[ab]` and `[!ab]` are character classes.
    """

    def __init__(self, patterns: Iterable[str], *, ignore_case: bool = False) -> None:
        flags = re.IGNORECASE if ignore_case else 0
        self._names: list[re.Pattern[str]] = []
        self._paths: list[re.Pattern[str]] = []
        for pattern in patterns:
            bare = pattern.strip("/")
            target = self._paths if "/" in bare or pattern.startswith("/") else self._names
            target.append(re.compile(_translate(bare), flags))

    def match(self, path: str) -> bool:
        """Whether the file or folder at `path` (parts joined by `/`) is meant itself."""
        name = path.rpartition("/")[2]
        return any(regex.fullmatch(name) for regex in self._names) or any(
            regex.fullmatch(path) for regex in self._paths
        )

    def match_any_parent(self, path: str) -> bool:
        """Whether `path` or one of the folders above it is meant."""
        parts = path.split("/")
        return any(self.match("/".join(parts[: end + 1])) for end in range(len(parts)))


@cache
def _translate(pattern: str) -> str:
    out: list[str] = []
    position = 0
    while position < len(pattern):
        rest = pattern[position:]
        if rest.startswith("**/"):
            out.append("(?:.*/)?")
            position += 3
        elif rest.startswith("**"):
            out.append(".*")
            position += 2
        elif rest[0] == "*":
            out.append("[^/]*")
            position += 1
        elif rest[0] == "?":
            out.append("[^/]")
            position += 1
        elif found := re.match(r"\[(!?)([^/\[\]]+)\]", rest):
            negated, members = found.groups()
            out.append(f"[{'^/' if negated else ''}{members.replace(chr(92), chr(92) * 2)}]")
            position += found.end()
        else:
            out.append(re.escape(rest[0]))
            position += 1
    return "(?s:" + "".join(out) + ")"
