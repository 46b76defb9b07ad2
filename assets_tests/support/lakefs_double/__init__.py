"""Starts the stand-in for lakeFS in a process of its own, and tells it how to misbehave."""

from __future__ import annotations

import base64
import json
import secrets
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

KEY, SECRET = "AKIADOUBLE", "double-secret"


class Double:
    """A running stand-in at `endpoint`."""

    def __init__(self, port: int) -> None:
        self.endpoint = f"http://127.0.0.1:{port}"

    @classmethod
    @contextmanager
    def started(cls) -> Iterator[Double]:
        """Start it; it ends with the block, or with this process."""
        command = [sys.executable, str(Path(__file__).with_name("server.py")), KEY, SECRET]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
            assert running.stdin is not None
            assert running.stdout is not None
            yield cls(int(running.stdout.readline()))
            running.stdin.close()

    def environment(self) -> dict[str, str]:
        """The keys that it knows."""
        return {"LAKEFS_ACCESS_KEY_ID": KEY, "LAKEFS_SECRET_ACCESS_KEY": SECRET}

    def location(self, repository: str) -> str:
        """What `open_lake` takes."""
        return f"lakefs+{self.endpoint}/{repository}"

    def new_repository(self) -> str:
        """Make a repository and return its location."""
        name = f"r-{secrets.token_hex(6)}"
        self._post("/api/v1/repositories", {"name": name, "storage_namespace": f"mem://{name}"})
        return self.location(name)

    def faults(self, *faults: dict[str, Any]) -> None:
        """Misbehave in these ways from now on, and in no other; see `server.py`."""
        self._post("/double/faults", [{"times": 1, "path": "", **fault} for fault in faults])

    def version(self, version: str) -> None:
        """Say to be this version of lakeFS."""
        self._post("/double/version", version)

    def rot(self, location: str, ref: str, path: str, *, remove: bool = False) -> None:
        """Zero (or remove) the stored bytes of an object."""
        self._post("/double/rot", [location.rpartition("/")[2], ref, path, *(["remove"] if remove else [])])

    def collect(self, location: str) -> None:
        """Run the garbage collection as if every retention were over: what no branch's head holds goes."""
        self._post("/double/collect", location.rpartition("/")[2])

    def clone(self, location: str) -> str:
        """Another repository with the same history and the same stored bytes; its location."""
        name = f"r-{secrets.token_hex(6)}"
        self._post("/double/clone", [location.rpartition("/")[2], name])
        return self.location(name)

    def _post(self, path: str, content: object) -> None:
        token = base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()
        request = urllib.request.Request(
            self.endpoint + path, json.dumps(content).encode(), {"Authorization": f"Basic {token}"}
        )
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request).close()
