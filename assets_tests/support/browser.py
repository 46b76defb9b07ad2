"""A headless Chromium, driven through its DevTools protocol."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Page:
    """One tab."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._count = 0
        self.messages: list[str] = []

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """A command of the protocol and what it answers."""
        self._count += 1
        self._socket.send(json.dumps({"id": self._count, "method": method, "params": params}))
        while True:
            answer = json.loads(self._socket.recv(timeout=60))
            if answer.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded"):
                self.messages.append(json.dumps(answer["params"]))
            if answer.get("id") == self._count:
                return answer["result"]

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        got = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in got, got
        return got["result"].get("value")

    def until(self, script: str, seconds: float = 60) -> Any:
        """Wait until an expression is true."""
        end = time.monotonic() + seconds
        while not (value := self.run(script)):
            assert time.monotonic() < end, f"never: {script}; {self.messages}"
            time.sleep(0.1)
        return value

    def picture(self, path: Path) -> None:
        """A PNG of what is seen."""
        path.write_bytes(
            base64.b64decode(self.send("Page.captureScreenshot", captureBeyondViewport=True)["data"])
        )


@contextmanager
def page(url: str, folder: Path) -> Iterator[Page]:
    """A tab with a page; the browser ends with the block."""
    from websockets.sync.client import connect

    assert CHROMIUM is not None
    process = subprocess.Popen(
        [
            "timeout", "--kill-after=5", "120", CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu",
            "--remote-debugging-port=0", "--no-proxy-server", "--window-size=900,1000",
            f"--user-data-dir={folder}", "about:blank",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        port_file = folder / "DevToolsActivePort"
        end = time.monotonic() + 60
        while not port_file.exists() or "\n" not in port_file.read_text():
            assert time.monotonic() < end, "Chromium did not start"
            time.sleep(0.1)
        port, path = port_file.read_text().splitlines()[:2]
        with connect(f"ws://127.0.0.1:{port}{path}", proxy=None, max_size=None) as root:
            target = Page(root).send("Target.createTarget", url="about:blank")["targetId"]
        with connect(f"ws://127.0.0.1:{port}/devtools/page/{target}", proxy=None, max_size=None) as socket:
            tab = Page(socket)
            for domain in ("Runtime", "Log", "Page"):
                tab.send(f"{domain}.enable")
            tab.send("Page.navigate", url=url)
            yield tab
    finally:
        process.terminate()
        process.wait(timeout=20)
