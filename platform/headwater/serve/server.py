"""The process: bound to loopback unless keys protect it, and ended by SIGTERM once open requests are done."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import signal
import socket
from types import FrameType

import uvicorn
from fastapi import FastAPI

from headwater.serve.keys import KEYS, KEYS_FILE, ApiKeys
from headwater.serve.service import Service

log = logging.getLogger("headwater")

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
NOTICE_SECONDS = 0.5
"""Between refusing new requests and closing the door: whoever asks for readiness can see the answer."""


def hosts_of(host: str, keys: ApiKeys) -> tuple[str, ...]:
    """The names under which a service bound to `host` answers; `*` for any.

    Raises `ValueError` for a host that others can reach when there are no keys.
    """
    if _is_loopback(host):
        return LOOPBACK_NAMES
    if not keys:
        raise ValueError(
            f"host {host} can be reached from other machines, and there are no API keys: "
            f"set {KEYS} or {KEYS_FILE} (SHA-256 in hex), or bind to 127.0.0.1"
        )
    return ("*",)


def require_free(host: str, port: int) -> None:
    """Raises `ValueError` when nothing can be bound there, before a release is loaded in vain."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise ValueError(f"port {port} of {host}: {why}; give another --port") from None


def run(app: FastAPI, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; a second signal ends it at once.

    Raises `SystemExit` when the port is taken.
    """
    server_of(app, host, port).run()


def server_of(app: FastAPI, host: str, port: int) -> DrainingServer:
    """The server that `run` runs, for a program that runs it itself."""
    service: Service = app.state.service
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=max(1, round(service.limits.drain_seconds)),
    )
    return DrainingServer(config, service)


class DrainingServer(uvicorn.Server):
    """A server that, when told to end, first refuses new requests and lets the open ones finish."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service
        self._drain: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[object] | None = None) -> None:  # pyright: ignore
        """Remember the loop, in which a signal's work is done."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)  # pyright: ignore
        if self.started:
            log.info("listening on http://%s:%d", self.config.host, self.config.port)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Begin to drain; at the second signal, end."""
        if self._loop is None or self._service.draining:
            self.force_exit = self.should_exit = True
            return
        log.info("%s: finishing open requests", signal.Signals(sig).name)
        self._service.draining = True
        self._loop.call_soon_threadsafe(self._begin_drain)

    def _begin_drain(self) -> None:
        self._drain = asyncio.ensure_future(self._finish_open())

    async def _finish_open(self) -> None:
        await asyncio.sleep(NOTICE_SECONDS)
        # uvicorn waits for open responses itself, as long as `timeout_graceful_shutdown` says.
        self.should_exit = True


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
