"""Messages to people: none without an address, a drift once, a failed run, and what is wrong in words."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import dagster as dg
import monitored
import pytest

from headwater.components.resource import Headwater
from headwater.lake import open_lake
from headwater.monitor.alerts import VARIABLE, AlertFailed, Message, drift_message, send
from headwater.monitor.newest import Gap

DRIFT = monitored.verdicts({"data": "warn"}, {"data": "drift", "performance": "drift"})


@dataclass
class Hook:
    """A webhook's address, what came there, and with which status it answers."""

    url: str = ""
    status: int = 200
    told: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.told.append(json.loads(body))
            self.send_response(hook.status)
            self.end_headers()

        def log_message(self, *given: Any) -> None:
            """Nothing is printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    hook.url = f"json://127.0.0.1:{server.server_address[1]}/hook"
    yield hook
    server.shutdown()
    server.server_close()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with an empty lake."""
    open_lake(tmp_path / "home" / "lake")
    return tmp_path / "home"


@pytest.fixture
def tick(home: Path) -> Callable[[], str]:
    """Evaluate the alert on drift as the daemon does, with its cursor."""
    (sensor,) = [
        one for one in monitored.monitoring().definitions().sensors or () if "drift_alert" in one.name
    ]
    cursor: list[str | None] = [None]

    def evaluate() -> str:
        resource = Headwater(home=str(home), lake=str(home / "lake"))
        with dg.build_sensor_context(cursor=cursor[0], resources={"headwater": resource}) as context:
            said = sensor(context)
            cursor[0] = context.cursor
        assert isinstance(said, dg.SkipReason)
        return str(said.skip_message)

    return evaluate


def test_a_drift_is_told_once_a_verdict(
    home: Path, tick: Callable[[], str], hook: Hook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tick() == "no drift in any window"
    monitored.publish(open_lake(home / "lake"), DRIFT, tmp_path)
    assert f"{VARIABLE} names nobody" in tick()
    monkeypatch.setenv(VARIABLE, hook.url)
    hook.status = 500
    with pytest.raises(AlertFailed, match="did not reach"):
        tick()
    hook.status = 200
    assert tick() == "told: tiny: drift in data, performance"
    assert tick() == "w-2 was told already"
    assert len(hook.told) == 2
    assert hook.told[-1]["title"] == "tiny: drift in data, performance"
    assert "window w-2, 250 questions, answered by tiny-v1\ndata: data is drift" in hook.told[-1]["message"]


def test_a_failed_run_is_told_with_its_reason(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, hook.url)

    @dg.op(name="tiny__raw")
    def step() -> None:
        raise ValueError("no such folder")

    def failed(name: str) -> Any:
        @dg.job(name=name)
        def job() -> None:
            step()

        instance = dg.DagsterInstance.ephemeral()
        result = job.execute_in_process(instance=instance, raise_on_error=False)
        return dg.build_run_status_sensor_context(
            "alert",
            dagster_event=result.get_run_failure_event(),
            dagster_instance=instance,
            dagster_run=result.dagster_run,
        ).for_run_failure()

    (sensor,) = [one for one in monitored.monitoring().definitions().sensors or () if "failure" in one.name]
    list(sensor(failed("build_other")) or ())
    assert hook.told == []
    list(sensor(failed("build_tiny")) or ())
    (message,) = hook.told
    assert message["title"].startswith("tiny: run ")
    assert "tiny__raw: ValueError: no such folder" in message["message"]


def test_nothing_leaves_the_machine_without_an_address() -> None:
    assert not send(Message("title", "body"), {})
    assert not send(Message("title", "body"), {VARIABLE: "  "})


def test_what_is_wrong_is_said_without_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AlertFailed, match="number 1 of 2") as raised:
        send(Message("title", "body"), {VARIABLE: "nonsense://secret json://127.0.0.1:9"})
    assert "secret" not in str(raised.value)
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(ModuleNotFoundError, match=r"headwater\[alerts\]"):
        send(Message("title", "body"), {VARIABLE: "json://127.0.0.1:9"})


def test_a_gap_is_told_by_its_document_and_never_by_a_question() -> None:
    gaps = (Gap(size=12, nearest_document="docs/eks.json", similarity=0.21),)
    message = drift_message("tiny", DRIFT.model_copy(update={"gaps": gaps}))
    assert message is not None
    assert message.body.endswith("gap: 12 questions, nearest docs/eks.json at 0.21")
    assert drift_message("tiny", monitored.verdicts({"data": "warn"})) is None
