"""The stores that the contract is checked on, and the few verbs in which its cases are written.

Every case runs on the embedded store, on the lakeFS store against a stand-in that speaks lakeFS's protocol,
and, if `LAKEFS_ENDPOINT` (`http://host:port`) is set, against that server. There each case gets a repository
of its own, which is deleted afterwards, below `LAKEFS_STORAGE_NAMESPACE` (default `local://`).
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from lakefs_double import Double

from headwater.lake import Commit, Lake, open_lake

_COLLECTED = "lakeFS collects payloads by its server's garbage collection, not by a sweep of this store"
NOT_ON_LAKEFS = {
    "test_what_is_swept_and_what_stays": _COLLECTED,
    "test_swept_payloads_are_gone_and_can_be_put_again": _COLLECTED,
    "test_criss_cross_merges_lose_nothing": "lakeFS merges from one common ancestor, not from all",
    "test_criss_cross_merges_that_disagreed": "lakeFS merges from one common ancestor, not from all",
}
STORES: list[Any] = ["embedded", "lakefs-double"]
if os.environ.get("LAKEFS_ENDPOINT"):
    STORES.append(pytest.param("lakefs", marks=pytest.mark.lakefs))

Write = Callable[..., Commit]
Read = Callable[..., dict[str, bytes]]
Process = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="session")
def double_server() -> Iterator[Double]:
    """One stand-in for lakeFS; tests take repositories of their own."""
    with Double.started() as double:
        yield double


@pytest.fixture
def double(double_server: Double, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Double]:
    """The stand-in with its keys in the environment and no faults."""
    for name, value in double_server.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user-cache"))
    yield double_server
    double_server.faults()


@pytest.fixture(params=STORES)
def location(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What `open_lake` opens: a fresh lake of each store."""
    name = request.function.__name__
    if request.param != "embedded" and name in NOT_ON_LAKEFS:
        pytest.skip(NOT_ON_LAKEFS[name])
    if (
        request.param != "embedded"
        and request.node.name.startswith("test_200_mebibytes")
        and (request.node.callspec.params["move"])
    ):
        pytest.skip("moving a file to lakeFS is sending and deleting it: the transfer is measured once")
    if request.param == "embedded":
        yield str(tmp_path_factory.mktemp(request.param) / "lake")
    elif request.param == "lakefs-double":
        double: Double = request.getfixturevalue("double")
        yield double.new_repository()
    else:
        request.getfixturevalue("monkeypatch").setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield from _real_repository(os.environ["LAKEFS_ENDPOINT"])


def _real_repository(endpoint: str) -> Iterator[str]:
    from lakefs_client import Configuration, models
    from lakefs_client.client import LakeFSClient

    name = f"contract-{secrets.token_hex(6)}"
    namespace = os.environ.get("LAKEFS_STORAGE_NAMESPACE", "local://").rstrip("/") + f"/{name}"
    client = LakeFSClient(
        Configuration(
            host=endpoint,
            username=os.environ["LAKEFS_ACCESS_KEY_ID"],
            password=os.environ["LAKEFS_SECRET_ACCESS_KEY"],
        )
    )
    repository = models.RepositoryCreation(name=name, storage_namespace=namespace, default_branch="main")
    client.repositories_api.create_repository(repository, _preload_content=False)
    scheme, _, host = endpoint.rstrip("/").partition("://")
    yield f"lakefs+{scheme}://{host}/{name}"
    client.repositories_api.delete_repository(name, _preload_content=False)


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
