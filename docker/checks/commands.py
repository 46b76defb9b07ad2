"""The commands that services and the image run: whether each program and option exists."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from checks.compose import Json, services
from checks.image import Instruction, last_stage, parse

PROGRAMS = frozenset({"dagster", "dagster-daemon", "dagster-webserver", "headwater", "python"})
"""What the image brings; programs of other images cannot be looked at here."""

_OURS = re.compile(r"^headwater(:|$)")


def problems(root: Path, document: Json) -> Iterator[str]:
    """What is wrong with the commands of every service that runs this project's image, and of the image."""
    for name, service in services(document).items():
        if not _OURS.match(str(service.get("image", ""))):
            continue
        for what, command in (
            ("command", service.get("command", [])),
            ("healthcheck", service.get("healthcheck", {}).get("test", ["CMD"])[1:]),
        ):
            if command:
                yield from (f"service {name}: {what}: {found}" for found in _command(root, list(command)))
    for item in last_stage(parse((root / "docker/Dockerfile").read_text(encoding="utf-8"))):
        if item.word in ("CMD", "HEALTHCHECK"):
            words = Instruction("CMD", item.rest[item.rest.index("[") :]).arguments
            yield from (f"Dockerfile: {item.word}: {found}" for found in _command(root, words))


def _command(root: Path, words: Sequence[str]) -> Iterator[str]:
    program, *rest = words
    if program not in PROGRAMS:
        yield f"{program!r} is no program of the image"
        return
    if program == "python":
        yield from _python(root, rest)
        return
    steps: list[str] = []
    for word in rest:
        if word.startswith("-"):
            break
        steps.append(word)
    options = [word for word in rest[len(steps) :] if word.startswith("-")]
    shown = _help((program, *steps))
    if shown is None:
        yield f"{' '.join((program, *steps))} does not exist"
        return
    yield from (f"{program} has no option {option}" for option in options if not _offers(shown, option))


def _offers(shown: str, option: str) -> bool:
    return re.search(rf"(^|[\s,]){re.escape(option)}([\s,=]|$)", shown, re.MULTILINE) is not None


def _python(root: Path, rest: Sequence[str]) -> Iterator[str]:
    if rest[0] == "-c":
        try:
            compile(rest[1], "-c", "exec")
        except SyntaxError as error:
            yield f"python -c: {error}"
        return
    copied: Mapping[str, str] = _copied(root)
    if rest[0] not in copied:
        yield f"{rest[0]} is no file that the Dockerfile copies"


def _copied(root: Path) -> dict[str, str]:
    """Files of the repository by their place in the image."""
    stage = last_stage(parse((root / "docker/Dockerfile").read_text(encoding="utf-8")))
    copies = [item.arguments for item in stage if item.word == "COPY" and "--from=" not in item.rest]
    return {
        target + Path(source).name if target.endswith("/") else target: source
        for *sources, target in copies
        for source in sources
    }


@cache
def _help(command: tuple[str, ...]) -> str | None:
    """What the program says of itself in this environment; `None` if there is no such program or command."""
    program = Path(sys.executable).with_name(command[0])
    if not program.is_file():
        return None
    answer = subprocess.run(
        [program, *command[1:], "--help"],
        capture_output=True,
        text=True,
        check=False,
        env={"COLUMNS": "200", "PATH": str(program.parent)},
    )
    return answer.stdout if answer.returncode == 0 else None
