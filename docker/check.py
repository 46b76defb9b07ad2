"""Checks docker/ as far as that is possible without an engine; `make docker-check` runs it.

Prints what is wrong and exits with 1. Where `docker compose` or `docker-compose` is at hand, that reads the
files too, which needs no engine either.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import yaml
from checks import commands, compose, image, settings

ROOT = Path(__file__).resolve().parent.parent
FILES = ("docker/compose.yaml", "docker/compose.gpu.yaml")


def check(root: Path) -> list[str]:
    """Everything that is wrong below `root`, which holds docker/, platform/ and .env.example."""
    try:
        documents = {name: compose.load(root / name) for name in FILES}
    except yaml.YAMLError as error:
        return [f"a compose file is not YAML: {error}"]
    return list(_problems(root, documents))


def _problems(root: Path, documents: dict[str, compose.Json]) -> Iterator[str]:
    main, override = documents[FILES[0]], documents[FILES[1]]
    yield from compose.problems(main)
    for name in compose.services(override):
        if name not in compose.services(main):
            yield f"{FILES[1]}: {name} is no service of {FILES[0]}"
    for name, service in compose.services(main).items():
        sources = [str(volume).partition(":")[0] for volume in service.get("volumes", [])]
        build = service.get("build", {})
        context = root / "docker" / str(build.get("context", ".."))
        wanted = [root / "docker" / source for source in sources if source.startswith(".")]
        for path in (*wanted, *([context / str(build["dockerfile"])] if build else [])):
            if not path.exists():
                yield f"service {name}: {path.relative_to(root)} does not exist"
    yield from image.problems(root)
    yield from commands.problems(root, main)
    yield from settings.variables(root, documents)
    yield from settings.dagster(root, main)


def ask_compose(root: Path) -> list[str] | None:
    """What compose itself finds wrong with the files; `None` where it is not installed."""
    program = _compose()
    if program is None:
        return None
    found: list[str] = []
    with tempfile.TemporaryDirectory(prefix="headwater-compose-") as folder:
        example = settings.documented(root)
        variables = Path(folder) / "env"
        variables.write_text("".join(f"{name}={value or '0'}\n" for name, value in example.items()))
        for files in (FILES[:1], FILES):
            chosen = [word for name in files for word in ("--file", str(root / name))]
            answer = subprocess.run(
                [*program, "--env-file", variables, *chosen, "config", "--quiet"],
                capture_output=True,
                text=True,
                check=False,
            )
            if answer.returncode:
                found.append(f"compose refuses {' + '.join(files)}: {answer.stderr.strip()}")
    return found


def _compose() -> list[str] | None:
    beside = Path(sys.executable).with_name("docker-compose")
    standalone = str(beside) if beside.is_file() else shutil.which("docker-compose")
    if standalone:
        return [standalone]
    if shutil.which("docker") is None:
        return None
    plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    return ["docker", "compose"] if plugin.returncode == 0 else None


def main() -> int:
    """The exit code."""
    found = check(ROOT)
    asked = ask_compose(ROOT)
    for problem in (*found, *(asked or [])):
        print(problem)
    if not found and not asked:
        said = "docker compose is not installed and was not asked" if asked is None else "compose agrees"
        print(f"docker/: nothing wrong; {said}")
    return 1 if found or asked else 0


if __name__ == "__main__":
    sys.exit(main())
