"""Servers for tests: real processes on loopback that end with the test, and by themselves if it does not."""

from __future__ import annotations

import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LONGEST_SECONDS = 240
"""No process lives longer, whatever becomes of the test."""


def free_port() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def until(
    what: Callable[[], bool],
    seconds: float,
    explain: Callable[[], str],
    process: subprocess.Popen[bytes] | None = None,
) -> None:
    """Wait until something is so; fail, with the explanation, after so long or when the process ends."""
    end = time.monotonic() + seconds
    while not what():
        assert process is None or process.poll() is None, f"it ended: {explain()}"
        assert time.monotonic() < end, f"not after {seconds} s: {explain()}"
        time.sleep(0.2)


@contextmanager
def running(
    command: Sequence[str], log: Path, environment: Mapping[str, str], **options: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """A process with its output in a file; asked to end with the block, and ended for sure."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["timeout", "--kill-after=10", str(LONGEST_SECONDS), *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            **options,
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()


@dataclass(frozen=True)
class Postgres:
    """A database `dagster` of the user `dagster`."""

    port: int
    password: str

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query answers."""
        import psycopg2

        connection = psycopg2.connect(
            host="127.0.0.1", port=self.port, user="dagster", password=self.password, dbname="dagster"
        )
        try:
            with connection.cursor() as cursor:
                cursor.execute(query)
                return cursor.fetchall()
        finally:
            connection.close()


@dataclass(frozen=True)
class ObjectStore:
    """An S3 server, and the keys that docker/object-store.sh knows. moto's takes any key for any bucket."""

    endpoint: str
    keys: Mapping[str, str]
    asks_for_keys: bool

    def client(self, who: str) -> Any:
        """boto3's client with the key of ADMIN, LAKE or LOGS."""
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=self.keys[f"OBJECT_STORE_{who}_ACCESS_KEY_ID"],
            aws_secret_access_key=self.keys[f"OBJECT_STORE_{who}_SECRET_ACCESS_KEY"],
        )


def accepts(port: int) -> bool:
    """Whether somebody listens."""
    with socket.socket() as found:
        found.settimeout(1)
        return found.connect_ex(("127.0.0.1", port)) == 0


def healthy(url: str) -> bool:
    """Whether a page is there."""
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False
