"""The stores that the contract is checked on, and the few verbs in which its cases are written."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from headwater.lake import Commit, Lake, open_lake

Write = Callable[..., Commit]
Read = Callable[..., dict[str, bytes]]
Process = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(params=["embedded"])
def location(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What `open_lake` opens: a fresh lake of each store."""
    return str(tmp_path_factory.mktemp(request.param) / "lake")


@pytest.fixture
def lake(location: str) -> Lake:
    return open_lake(location)


@pytest.fixture
def write(lake: Lake) -> Write:
    """`write(branch, {path: bytes, or None to delete}, message, metadata)` in one change."""

    def write(
        branch: str,
        files: Mapping[str, bytes | None],
        message: str = "write",
        metadata: Mapping[str, str] = {},
    ) -> Commit:
        with lake.change(branch, message, metadata) as change:
            for path, content in files.items():
                if content is None:
                    change.delete(path)
                else:
                    change.put(path, content)
        assert change.commit is not None
        return change.commit

    return write


@pytest.fixture
def read(lake: Lake) -> Read:
    """`read(ref, prefix)` is everything there, as {path: bytes}."""

    def read(ref: str, prefix: str = "") -> dict[str, bytes]:
        return {
            entry.path: lake.fetch(ref, entry.path).read_bytes() for entry in list(lake.list(ref, prefix))
        }

    return read


@pytest.fixture
def process(location: str) -> Process:
    """`process("changes", …)` starts `worker.py` on the lake in a process of its own."""

    def process(*arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, str(Path(__file__).with_name("worker.py")), location, *map(str, arguments)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    return process


@pytest.fixture
def finish() -> Callable[[subprocess.Popen[str]], str]:
    """Wait for a process and return what it printed; its failure fails the test."""

    def finish(running: subprocess.Popen[str]) -> str:
        output, errors = running.communicate(timeout=120)
        assert running.returncode == 0, errors
        return output

    return finish
