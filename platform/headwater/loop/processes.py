"""The service and Dagster as processes on loopback, which end with the loop."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from headwater.loop.scenario import FOLDER, PRODUCT, Stage

LONGEST_SECONDS = 3600
"""No process of the loop lives longer, whatever becomes of the loop."""
LOCATION = "headwater.loop.definitions"
REPOSITORY = "__repository__"
_SWITCH = """
mutation($sensor: SensorSelector!) {
  %s(sensorSelector: $sensor) {
    __typename
    ... on PythonError { message }
    ... on SensorNotFoundError { message }
    ... on UnauthorizedError { message }
  }
}
"""
_STOP_SECONDS = 30
_SHOWN = 2000


class ProcessFailed(RuntimeError):
    """A process ended, or did not get ready in time; the message ends with its log."""


def environment(stage: Stage) -> dict[str, str]:
    """The variables with which every process of the loop runs: of the project's own, none but these.

    Whoever works with a team's lake, keys or alerts must not have the loop's releases there.
    """
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("HEADWATER_")},
        "HEADWATER_HOME": str(stage.home),
        "HEADWATER_LAKE": str(stage.lake),
        "DAGSTER_HOME": str(stage.dagster_home),
        FOLDER: str(stage.folder),
    }


@contextmanager
def service(stage: Stage, port: int) -> Generator[str]:
    """`headwater serve`, answering; its address."""
    address = f"http://127.0.0.1:{port}"
    options = ["--port", str(port), "--poll", "1", "--segment-seconds", "2", "--rate", "1000"]
    command = [sys.executable, "-m", "headwater", "serve", PRODUCT, *options]
    with _running(command, stage.folder / "service.log", environment(stage)) as process:
        _wait(lambda: _answers(f"{address}/health/ready"), process, stage.folder / "service.log", 120)
        yield address


@contextmanager
def dagster(stage: Stage, port: int) -> Generator[str]:
    """Dagster's webserver and daemon, which ticks the sensors; the address of the UI."""
    address = f"http://127.0.0.1:{port}"
    if _answers(f"{address}/server_info"):
        raise ProcessFailed(
            f"port {port} serves another Dagster: end it, or name another port with --ui-port"
        )
    module = ["--module-name", LOCATION]
    command = [sys.executable, "-m", "dagster", "dev", *module, "--host", "127.0.0.1", "--port", str(port)]
    with _running(command, stage.folder / "dagster.log", environment(stage)) as process:
        _wait(lambda: _answers(f"{address}/server_info"), process, stage.folder / "dagster.log", 180)
        yield address


@contextmanager
def switched_on(ui: str, sensors: Sequence[str]) -> Generator[None]:
    """Sensors that tick for as long as the block, started and stopped as the UI does.

    Raises `ProcessFailed` with what Dagster says when it refuses.
    """
    _switch(ui, sensors, "startSensor")
    try:
        yield
    finally:
        _switch(ui, sensors, "resetSensor")


def _switch(ui: str, sensors: Sequence[str], mutation: str) -> None:
    for name in sensors:
        selector = {
            "repositoryName": REPOSITORY,
            "repositoryLocationName": LOCATION,
            "sensorName": name,
        }
        answer = httpx.post(
            f"{ui}/graphql",
            json={"query": _SWITCH % mutation, "variables": {"sensor": selector}},
            timeout=60,
        )
        answer.raise_for_status()
        told = answer.json()
        if (told.get("data") or {}).get(mutation, {}).get("__typename") != "Sensor":
            raise ProcessFailed(f"Dagster refused {mutation} of {name}: {told}")


def free_port() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def _running(
    command: Sequence[str], log: Path, variables: Mapping[str, str]
) -> Generator[subprocess.Popen[bytes]]:
    bound = [timeout, str(LONGEST_SECONDS)] if (timeout := shutil.which("timeout")) else []
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*bound, *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(variables),
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not ready():
        if process.poll() is not None or time.monotonic() > end:
            tail = log.read_text(encoding="utf-8", errors="replace")[-_SHOWN:]
            what = "did not get ready" if process.poll() is None else f"ended with {process.returncode}"
            raise ProcessFailed(f"{log.stem} {what}:\n{tail}")
        time.sleep(0.2)


def _answers(address: str) -> bool:
    try:
        return httpx.get(address, timeout=2).is_success
    except httpx.HTTPError:
        return False
