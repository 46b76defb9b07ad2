"""The production shape without containers: the compose file's own commands and environments on loopback.

Real are PostgreSQL, bootstrap, code location, webserver, daemon, their health checks, a run and its logs, and
SeaweedFS where it is installed, beside moto's S3 server. lakeFS is the stand-in that the lake's tests use.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from checks import compose, settings
from lakefs_double import KEY, SECRET, Double
from local_servers import ObjectStore, Postgres, accepts, free_port, running, until

ROOT = Path(__file__).parents[2]
IMAGE_HOME = "/var/lib/dagster"
IMAGE_FOLDERS = (".logs_queue", "logs")
"""What the image has beside Dagster's configuration."""

LAUNCH = """
mutation { launchRun(executionParams: {
  selector: {repositoryLocationName: "headwater", repositoryName: "__repository__", jobName: "sweep_lake"}
}) { __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }
"""
PRINTED = """
query($key: [String!]!) { capturedLogs(logKey: $key) { stderr } }
"""
FILES = """
query($run: ID!) { runOrError(runId: $run) { ... on Run { eventConnection { events {
  ... on LogsCapturedEvent { fileKey } } } } } }
"""


class Shape:
    """The services of docker/compose.yaml that run this project's image, as processes of this machine."""

    def __init__(self, folder: Path, postgres: Postgres, store: ObjectStore, lake: Double) -> None:
        self.document = compose.load(ROOT / "docker/compose.yaml")
        self.home = folder / "dagster"
        for name in IMAGE_FOLDERS:
            (self.home / name).mkdir(parents=True)
        for name in ("dagster.yaml", "workspace.yaml"):
            (self.home / name).write_bytes((ROOT / "docker" / name).read_bytes())
        self.folder = folder
        self.ports = {"3000": free_port(), "4000": free_port()}
        self.values = {
            **dict.fromkeys(settings.documented(ROOT), "unused"),
            **store.keys,
            "DAGSTER_POSTGRES_PASSWORD": postgres.password,
            "LAKEFS_ACCESS_KEY_ID": KEY,
            "LAKEFS_SECRET_ACCESS_KEY": SECRET,
            "HEADWATER_BRANCH": "main",
            "LAKE_REPOSITORY": "headwater",
        }
        # What names another container in the compose file is another port here.
        self.places = {
            "DAGSTER_POSTGRES_HOST": "127.0.0.1",
            "DAGSTER_POSTGRES_PORT": str(postgres.port),
            "DAGSTER_LOGS_ENDPOINT": store.endpoint,
            "OBJECT_STORE_ENDPOINT": store.endpoint,
            "DAGSTER_SCRATCH": str(folder / "scratch"),
            "HEADWATER_CODE_HOST": "127.0.0.1",
            "HEADWATER_CODE_PORT": str(self.ports["4000"]),
            "HEADWATER_LAKE": lake.location("headwater"),
        }

    def environment(self, service: str) -> dict[str, str]:
        """What the service finds: what the compose file gives it, and what the image sets."""
        given = settings.environment(self.document, service, self.values)
        moved = {name: value for name, value in self.places.items() if name in given}
        image = {
            "DAGSTER_HOME": str(self.home),
            "HEADWATER_HOME": str(self.folder / "work"),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.folder),
            "HF_HUB_OFFLINE": "1",
        }
        return {**image, **given, **moved}

    def words(self, service: str, command: list[str]) -> list[str]:
        """The command with this machine's places and ports, on loopback alone."""
        places = {"/opt/headwater/bootstrap.py": str(ROOT / "docker/bootstrap.py"), "0.0.0.0": "127.0.0.1"}
        ports = {name: str(port) for name, port in self.ports.items()}
        found = [(places | ports).get(word, word) for word in command]
        return [
            word.replace(IMAGE_HOME, str(self.home)).replace(":3000/", f":{self.ports['3000']}/")
            for word in found
        ]

    def command(self, service: str) -> list[str]:
        return self.words(service, compose.services(self.document)[service]["command"])

    def healthy(self, service: str) -> bool:
        """What the service's own health check says."""
        check = compose.services(self.document)[service]["healthcheck"]["test"][1:]
        done = subprocess.run(
            self.words(service, check), env=self.environment(service), capture_output=True, check=False
        )
        return done.returncode == 0

    def start(self, stack: ExitStack, wanted: dict[str, Callable[[], bool]]) -> None:
        """Start services; wait for each sign of life, then for the health check, which costs more."""
        processes = {
            service: stack.enter_context(
                running(self.command(service), self.log(service), self.environment(service), cwd=self.folder)
            )
            for service in wanted
        }
        for service, sign in wanted.items():
            for ready in (sign, lambda name=service: self.healthy(name)):
                until(ready, 120, self.log(service).read_text, processes[service])

    def log(self, service: str) -> Path:
        """Where a service's output goes."""
        return self.folder / f"{service}.log"

    def once(self, service: str) -> subprocess.CompletedProcess[str]:
        """Run a one-shot service to its end."""
        return subprocess.run(
            self.command(service), env=self.environment(service), capture_output=True, text=True, check=False
        )

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """Ask the webserver, as its pages do."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.ports['3000']}/graphql",
            json.dumps({"query": query, "variables": variables}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
            content = json.load(answer)
        assert "errors" not in content, content
        return content["data"]


@pytest.fixture
def shape(tmp_path: Path, postgres: Postgres, object_store: ObjectStore) -> Iterator[Shape]:
    with Double.started() as lake:
        yield Shape(tmp_path, postgres, object_store, lake)


@pytest.mark.thorough
@pytest.mark.services
def test_a_run_in_the_production_shape(shape: Shape, postgres: Postgres, object_store: ObjectStore) -> None:
    """Eight Dagster processes start one after another, 40 CPU seconds: nothing less shows that they fit."""
    for words in ("was made", "is there"):
        done = shape.once("bootstrap")
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"lake {words}" in done.stdout
        assert f"'headwater' {words}" in done.stdout
    with ExitStack() as stack:
        beats = "SELECT count(*) FROM daemon_heartbeats"
        shape.start(stack, {"code": lambda: accepts(shape.ports["4000"])})
        shape.start(
            stack,
            {
                "webserver": lambda: accepts(shape.ports["3000"]),
                "daemon": lambda: postgres.rows(beats) != [(0,)],
            },
        )
        launched = shape.ask(LAUNCH)["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        run = launched["run"]["runId"]
        status = f"SELECT status FROM runs WHERE run_id = '{run}'"
        until(
            lambda: postgres.rows(status)[0][0] in ("SUCCESS", "FAILURE", "CANCELED"),
            120,
            lambda: str(postgres.rows(status)) + shape.log("daemon").read_text(),
        )
        assert postgres.rows(status) == [("SUCCESS",)], shape.log("code").read_text()

        events = shape.ask(FILES, run=run)["runOrError"]["eventConnection"]["events"]
        (key,) = (event["fileKey"] for event in events if event)
        printed = shape.ask(PRINTED, key=[run, "compute_logs", key])["capturedLogs"]["stderr"]
        assert "sweep" in printed
    logs = object_store.client("LOGS").list_objects_v2(Bucket="logs", Prefix="compute-logs/")["Contents"]
    stored = f"compute-logs/storage/{run}/compute_logs/{key}.err"
    assert stored in [item["Key"] for item in logs]
    # The image's file system is read-only: nothing may want to write beside its configuration.
    found = sorted(str(path.relative_to(shape.home)) for path in shape.home.rglob("*"))
    assert found == sorted([*IMAGE_FOLDERS, "dagster.yaml", "workspace.yaml"])
