"""The Dockerfile: what it copies, from what, and as whom the image runs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_CONTINUED = re.compile(r"\\\n")
_COMMENT = re.compile(r"^\s*#.*\n", re.MULTILINE)
_FLAG = re.compile(r"^--\S+$")
_BUILD_TOOLS = re.compile(r"\b(gcc|g\+\+|make|build-essential|python3?-dev|git|curl|wget)\b")
_ADDRESS = re.compile(r"https?://")


@dataclass(frozen=True)
class Instruction:
    """One line of a Dockerfile, continued lines joined."""

    word: str
    rest: str

    @property
    def arguments(self) -> list[str]:
        """Its words without flags; of the JSON form its elements."""
        if self.rest.startswith("["):
            return [str(item) for item in json.loads(self.rest)]
        return [word for word in self.rest.split() if not _FLAG.match(word)]


def parse(text: str) -> list[Instruction]:
    """The instructions in order."""
    lines = _COMMENT.sub("", _CONTINUED.sub(" ", _COMMENT.sub("", text))).splitlines()
    pairs = (line.strip().partition(" ") for line in lines if line.strip())
    return [Instruction(word.upper(), " ".join(rest.split())) for word, _, rest in pairs]


def last_stage(instructions: list[Instruction]) -> list[Instruction]:
    """What the image itself is made of."""
    start = max(index for index, item in enumerate(instructions) if item.word == "FROM")
    return instructions[start:]


def problems(root: Path) -> Iterator[str]:
    """What is wrong with docker/Dockerfile and .dockerignore below `root`."""
    text = (root / "docker/Dockerfile").read_text(encoding="utf-8")
    instructions = parse(text)
    allowed = _allowed(root / ".dockerignore")
    for item in instructions:
        yield from _copies(item, root, allowed)
        if item.word == "ADD":
            yield f"ADD {item.rest}: write COPY, which fetches and unpacks nothing"
        if item.word in ("ARG", "ENV", "RUN") and _ADDRESS.search(item.rest):
            yield f"{item.word} {item.rest}: names a host; let it be configured"
    if not any(item.word == "COPY" and "platform/dg.toml" in item.arguments for item in instructions):
        yield "platform/dg.toml is not in the image: Dagster finds no product without it"
    yield from _bases(instructions)
    yield from _final(last_stage(instructions))


def _allowed(ignore: Path) -> list[str]:
    """What .dockerignore lets through, after a first line that keeps out everything."""
    lines = [line.strip() for line in ignore.read_text(encoding="utf-8").splitlines()]
    rules = [line for line in lines if line and not line.startswith("#")]
    return [rule[1:] for rule in rules if rule.startswith("!")] if rules[:1] == ["*"] else []


def _copies(item: Instruction, root: Path, allowed: list[str]) -> Iterator[str]:
    if item.word != "COPY" or "--from=" in item.rest:
        return
    for source in item.arguments[:-1]:
        if not (root / source).exists():
            yield f"COPY {source}: does not exist"
        if source not in allowed:
            yield f"COPY {source}: .dockerignore keeps it out"


def _bases(instructions: list[Instruction]) -> Iterator[str]:
    stages = {item.arguments[2] for item in instructions if item.word == "FROM" and len(item.arguments) > 2}
    arguments = [item.rest.partition("=") for item in instructions if item.word == "ARG"]
    defaults = {name: default for name, _, default in arguments}
    for item in instructions:
        if item.word == "FROM" and item.arguments[0] not in stages:
            image = re.sub(r"\$\{(\w+)\}", lambda match: defaults.get(match[1], ""), item.arguments[0])
            if not re.search(r":\d+\.\d+\.\d+|@sha256:", image):
                yield f"FROM {item.arguments[0]}: expected a full version or a digest, got {image!r}"


def _final(stage: list[Instruction]) -> Iterator[str]:
    words = {item.word for item in stage}
    users = [item.rest for item in stage if item.word == "USER"]
    if not users or re.match(r"(root|0)(:|$)", users[-1]):
        yield "the image runs as root: USER"
    for word in ("HEALTHCHECK", "LABEL", "CMD"):
        if word not in words:
            yield f"the image has no {word}"
    for item in stage:
        if item.word == "RUN" and (_BUILD_TOOLS.search(item.rest) or "install.sh" in item.rest):
            yield f"RUN {item.rest}: belongs into the builder's stage"
