"""Other ways of keeping versions of data, driven as their manuals say, each in an environment of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from _lake_cases import (
    Figures,
    change_small,
    copy_to_disk,
    datasets,
    random_block,
    stopwatch,
    stored_bytes,
    write_parts,
    write_small,
)
from measure import cost

HERE = Path(__file__).parent
INSTALL_SECONDS = 600


class Skipped(Exception):
    """A peer that is not there; says why."""


@dataclass(frozen=True)
class Peer:
    """How to act on a repository whose data stands in its folder `data`.

    `act(repository, action, name)` does `start`, `commit`, `branch` (and change to it), `switch` or `merge`.
    `store` names the folders in which past versions are kept.
    """

    name: str
    act: Callable[[Path, str, str], Figures]
    store: tuple[str, ...]
    versions_by_branch: bool = True


def peers(folder: Path) -> tuple[list[Peer], list[str]]:
    """The peers that could be installed below `folder`, and why the others could not."""
    found, missing = [plain_files()], list[str]()
    for make in (dvc, oxen):
        try:
            found.append(make(folder))
        except Skipped as reason:
            missing.append(str(reason))
    return found, missing


def plain_files() -> Peer:
    """A copy per version, each file brought to disk."""

    def act(repository: Path, action: str, name: str) -> Figures:
        with stopwatch() as figures:
            if action == "commit":
                copy_to_disk(repository / "data", repository / "versions" / name)
        return figures

    return Peer("plain copies", act, ("versions",), versions_by_branch=False)


def dvc(folder: Path) -> Peer:
    """DVC on Git, as its manual begins: `dvc add`, then `git commit`; `dvc checkout` after Git's."""
    program = installed("dvc", folder) / "dvc"

    def act(repository: Path, action: str, name: str) -> Figures:
        tool = str(program)
        commands = {
            "start": (
                ["git", "init", "--quiet", "--initial-branch=main"],
                [tool, "init", "--quiet"],
                [tool, "config", "core.check_update", "false"],
                [tool, "config", "core.analytics", "false"],
            ),
            "commit": (
                [tool, "add", "--quiet", "data"],
                ["git", "add", "--all"],
                ["git", "commit", "--quiet", "--message", name],
            ),
            "branch": (["git", "checkout", "--quiet", "-b", name],),
            "switch": (["git", "checkout", "--quiet", name], [tool, "checkout", "--quiet"]),
            "merge": (["git", "merge", "--quiet", name], [tool, "checkout", "--quiet"]),
        }[action]
        env = _private(repository) | {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}
        costs = [cost(command, env=env, folder=repository) for command in commands]
        return {
            "seconds": sum(one.wall for one in costs),
            "cpu": sum(one.cpu for one in costs),
            "peak": max(one.peak for one in costs),
        }

    return Peer(_named("dvc"), act, (".git", ".dvc/cache"))


def oxen(folder: Path) -> Peer:
    """Oxen through its Python package; starting Python is not counted."""
    python = installed("oxen", folder) / "python"

    def act(repository: Path, action: str, name: str) -> Figures:
        command = [str(python), str(HERE / "peers/oxen/run.py"), action, name]
        output = cost(command, env=_private(repository), folder=repository).output
        return json.loads(output.splitlines()[-1])

    return Peer(_named("oxen"), act, (".oxen",))


def installed(name: str, folder: Path) -> Path:
    """The programs of a peer's environment, made if need be. Raises `Skipped`."""
    home = folder / name
    programs = home / "bin"
    done = home / "installed.txt"
    wanted = (HERE / f"peers/{name}/requirements.txt").read_text(encoding="utf-8")
    if done.exists() and done.read_text(encoding="utf-8") == wanted:
        return programs
    steps = (
        [sys.executable, "-m", "venv", str(home)],
        [str(programs / "python"), "-m", "pip", "install", "--quiet", *wanted.split()],
    )
    for step in steps:
        try:
            subprocess.run(step, check=True, capture_output=True, text=True, timeout=INSTALL_SECONDS)
        except (subprocess.SubprocessError, OSError) as error:
            said = str(getattr(error, "stderr", None) or error).strip().splitlines()
            raise Skipped(
                f"{name} is left out: it could not be installed ({said[-1] if said else ''})"
            ) from None
    done.write_text(wanted, encoding="utf-8")
    return programs


def large_version(peer: Peer, size: int, repository: Path) -> Figures:
    """Write the parts of a dataset and commit them, to disk; commit another; bring the first one back."""
    peer.act(repository, "start", "")
    block = random_block(size)
    with stopwatch() as writing:
        write_parts(repository / "data", block)
    figures = peer.act(repository, "commit", "first")
    with stopwatch() as flushing:
        os.sync()
    figures["seconds"] += writing["seconds"] + flushing["seconds"]
    figures["stored"] = stored_bytes(repository)
    if peer.versions_by_branch:
        peer.act(repository, "branch", "other")
        _replace(repository / "data", ())
        (repository / "data/only").write_bytes(b"other")
        peer.act(repository, "commit", "other")
        figures["back"] = peer.act(repository, "switch", "main")["seconds"]
    return figures


def small_version(peer: Peer, count: int, repository: Path) -> Figures:
    """Commit many small files, start a branch, merge one more file, and change one in a hundred."""
    data = repository / "data"
    write_small(data, count)
    peer.act(repository, "start", "")
    figures = peer.act(repository, "commit", "all")
    figures["stored"] = _stored(peer, repository)
    if peer.versions_by_branch:
        figures["branch"] = peer.act(repository, "branch", "other")["seconds"]
        (data / "00/new").write_bytes(b"new")
        peer.act(repository, "commit", "one")
        peer.act(repository, "switch", "main")
        figures["merge"] = peer.act(repository, "merge", "other")["seconds"]
    before = _stored(peer, repository)
    change_small(data, count)
    peer.act(repository, "commit", "one in a hundred")
    figures["growth"] = _stored(peer, repository) - before
    return figures


def table_versions(peer: Peer, made: Path, repository: Path) -> Figures:
    """Commit the datasets of `_lake_documents`, each as the next version; what each added, by name."""
    peer.act(repository, "start", "")
    growth: Figures = {}
    for dataset in datasets(made):
        before = _stored(peer, repository)
        _replace(repository / "data", sorted(dataset.iterdir()))
        peer.act(repository, "commit", dataset.name)
        growth[dataset.name] = _stored(peer, repository) - before
    return growth


def _stored(peer: Peer, repository: Path) -> int:
    return stored_bytes(*(repository / name for name in peer.store))


def _replace(data: Path, files: Sequence[Path]) -> None:
    data.mkdir(exist_ok=True)
    for old in sorted(data.iterdir()):
        old.unlink()
    for file in files:
        shutil.copyfile(file, data / file.name)


def _private(repository: Path) -> dict[str, str]:
    """Surroundings in which no setting of the user counts and nothing is written outside the benchmark."""
    home = str(repository.parent)
    names = {
        f"GIT_{role}_{field}": "benchmark" for role in ("AUTHOR", "COMMITTER") for field in ("NAME", "EMAIL")
    }
    return {
        **names,
        "HOME": home,
        "GIT_CONFIG_NOSYSTEM": "1",
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": f"{home}/dvc-site",
        "DVC_GLOBAL_CONFIG_DIR": f"{home}/dvc-global",
    }


def _named(name: str) -> str:
    return (HERE / f"peers/{name}/requirements.txt").read_text(encoding="utf-8").strip().replace("==", " ")
