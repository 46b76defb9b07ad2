"""The tiny product's release behind a real server on loopback, and a copy of it with a second release."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import local_servers
import openai
import pytest
import tiny_product
import uvicorn
from fastapi import FastAPI

from headwater.lake import open_lake
from headwater.serve import Released
from headwater.serve.api import make_app
from headwater.serve.limits import Limits


@dataclass
class MemoryLog:
    """Keeps records where a test can see them."""

    requests: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])
    judgements: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])
    dropped_total: int = 0

    def request(self, record: Mapping[str, Any]) -> None:
        self.requests.append(record)

    def feedback(self, record: Mapping[str, Any]) -> None:
        self.judgements.append(record)


@dataclass(frozen=True)
class Running:
    """A server in a thread of this process."""

    url: str
    app: FastAPI

    def client(self, **options: Any) -> openai.OpenAI:
        options.setdefault("api_key", "none")
        return openai.OpenAI(base_url=f"{self.url}/v1", max_retries=0, timeout=60, **options)

    def http(self, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=60, trust_env=False, **options)

    def metric(self, name: str, **labels: str) -> float:
        return self.app.state.service.metrics.registry.get_sample_value(f"headwater_{name}", labels) or 0.0


Serve = Callable[..., AbstractContextManager[Running]]


@contextmanager
def _serving(app: FastAPI, *, wait: bool = True) -> Iterator[Running]:
    port = local_servers.free_port()
    server = uvicorn.Server(
        uvicorn.Config(app, port=port, log_config=None, lifespan="on", timeout_graceful_shutdown=5)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        local_servers.until(lambda: server.started, 30, lambda: "not started")
        if wait:
            production = app.state.service.production
            local_servers.until(lambda: production.current is not None, 60, lambda: "no release was loaded")
        yield Running(f"http://127.0.0.1:{port}", app)
    finally:
        server.should_exit = True
        thread.join(timeout=30)


@pytest.fixture(scope="session")
def serving() -> Callable[..., AbstractContextManager[Running]]:
    return _serving


@pytest.fixture(scope="session")
def request_log() -> MemoryLog:
    return MemoryLog()


@pytest.fixture(scope="session")
def service(built: Any, request_log: MemoryLog) -> Iterator[Running]:
    limits = Limits(rate=10_000, burst=10_000, body_bytes=20_000, prompt_tokens=400, inputs=4)
    with _serving(make_app(built.lake, tiny_product.PRODUCT, log=request_log, limits=limits)) as running:
        yield running


@pytest.fixture(scope="session")
def released(service: Running) -> Released:
    """What the service answers from, without a second model in memory."""
    return service.app.state.service.production.current


@pytest.fixture(scope="session")
def client(service: Running) -> openai.OpenAI:
    return service.client()


@pytest.fixture
def own_lake(copy: Any) -> Any:
    return open_lake(Path(copy.folder) / "home" / "lake")
