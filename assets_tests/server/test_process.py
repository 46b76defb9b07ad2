"""`headwater serve` as people run it: a process of its own, ended by signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import local_servers
import openai
import pytest
from typer.testing import CliRunner

from headwater.cli.app import app
from headwater.inference_log.places import Places
from headwater.inference_log.records import Entry
from headwater.inference_log.segments import in_order
from headwater.lake import open_lake
from headwater.serve.api import make_app
from headwater.serve.limits import Limits
from headwater.serve.server import server_of

HEADWATER = str(Path(sys.executable).with_name("headwater"))
QUESTION = [{"role": "user", "content": "How does one delete a domain?"}]


@dataclass(frozen=True)
class Serving:
    process: subprocess.Popen[bytes]
    url: str


def chunks(url: str, tokens: int) -> Any:
    """A stream that goes on for as many tokens: heat keeps the cut model from ending early."""
    client = openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0, timeout=60)
    return client.chat.completions.create(
        model="tiny",
        messages=QUESTION,
        max_tokens=tokens,
        temperature=2.0,
        stream=True,
        stream_options={"include_usage": True},
    )


@contextmanager
def serving(home: Path, log: Path) -> Iterator[Serving]:
    port = local_servers.free_port()
    own = {"HEADWATER_HOME": str(log.parent / "home"), "HEADWATER_LAKE": str(home / "lake")}
    environment = {**os.environ, **own}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [HEADWATER, "serve", "tiny", "--port", str(port)],
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        ready = lambda: local_servers.healthy(f"{url}/health/ready")  # noqa: E731
        local_servers.until(ready, 90, log.read_text, process)
        yield Serving(process, url)
    finally:
        process.kill()
        process.wait()


def test_the_end_waits_for_open_answers_and_takes_no_new_ones(built: Any, tmp_path: Path):
    with serving(built.folder / "home", tmp_path / "log") as running:
        stream = chunks(running.url, 120)
        seen = [next(iter(stream)) for _ in range(2)]
        statuses: list[int] = []

        def look() -> None:
            with httpx.Client(base_url=running.url, trust_env=False, timeout=10) as http:
                assert http.get("/health/ready").status_code == 200
                running.process.send_signal(signal.SIGTERM)
                time.sleep(0.2)
                statuses.extend(http.get(path).status_code for path in ("/health/ready", "/v1/models"))

        watcher = threading.Thread(target=look)
        watcher.start()
        seen += list(stream)
        watcher.join()
        assert statuses == [503, 503]
        assert seen[-1].usage.completion_tokens > 2
        assert seen[-2].choices[0].finish_reason in ("length", "stop")
        assert running.process.wait(timeout=30) == 0
    places = Places.of(tmp_path / "home", "tiny")
    records = [line.entry.record for line in in_order(places.closed, {}) if isinstance(line.entry, Entry)]
    assert [(record.kind, record.response_id) for record in records if record] == [("request", seen[0].id)]
    assert not list(places.open.iterdir())


def test_the_end_does_not_wait_for_ever(built: Any):
    port = local_servers.free_port()
    limits = Limits(drain_seconds=1, answer_tokens=4096)
    service = make_app(open_lake(built.folder / "home" / "lake"), "tiny", limits=limits)
    server = server_of(service, "127.0.0.1", port)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{port}"
    local_servers.until(lambda: local_servers.healthy(f"{url}/health/ready"), 60, lambda: "not ready")
    stream = iter(chunks(url, 4096))
    for _ in range(3):
        next(stream)
    begin = time.monotonic()
    server.handle_exit(signal.SIGTERM, None)
    thread.join(timeout=30)
    assert not thread.is_alive()
    assert time.monotonic() - begin < 20


def test_others_are_not_served_without_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HEADWATER_HOME", str(tmp_path))
    done = CliRunner().invoke(app, ["serve", "tiny", "--host", "0.0.0.0"])
    assert done.exit_code == 1
    assert "HEADWATER_API_KEYS" in done.output


def test_the_generate_command(built: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HEADWATER_HOME", str(built.folder / "home"))
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"question": "How does one list every host?", "max_tokens": 3}\nnonsense\n')
    command = ["generate", "tiny", "--input", str(source), "--output", str(target)]
    done = CliRunner().invoke(app, command)
    assert "2 lines: 1 answered, 0 not covered, 1 refused" in done.output
    again = CliRunner().invoke(app, [*command, "--json"])
    assert json.loads(again.output)["continued_from"] == 2
    source.unlink()
    assert CliRunner().invoke(app, command).exit_code == 1
