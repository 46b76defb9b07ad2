"""What `headwater serve` costs people: seconds of search, first token and full answer at 1, 4 and 16 clients.

python benchmarks/serving.py aws_assistant --home .headwater

Starts the service on loopback, asks the product's own questions through real clients that ask one thing after
another without pause, and prints a table. Every client waits for its answer, so that with 16 of them 15 stand
in the queue: waiting is part of the figures, as it is for people.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import openai
import psutil

from headwater.lake import open_lake
from headwater.settings import PRODUCTION
from headwater.tables import read_batches

CLIENTS = (1, 4, 16)
READY_SECONDS = 120


@dataclass
class Samples:
    """Seconds of each measured thing, from all clients."""

    search: list[float] = field(default_factory=list[float])
    first: list[float] = field(default_factory=list[float])
    full: list[float] = field(default_factory=list[float])
    tokens: int = 0


def questions(home: Path, product: str, most: int) -> list[str]:
    """Labelled questions of the release, evenly spread over its services."""
    lake = open_lake(home / "lake")
    folder = lake.fetch(lake.resolve(PRODUCTION), f"{product}/questions/")
    rows = [row for batch in read_batches(folder, ["text", "origin"]) for row in batch.to_pylist()]
    texts = [row["text"] for row in rows if row["origin"] == "labelled"]
    return texts[:: max(1, len(texts) // most)][:most]


def ask(url: str, product: str, question: str, samples: Samples) -> None:
    """One streamed answer."""
    client = openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0, timeout=600)
    begin = time.perf_counter()
    first: float | None = None
    stream = client.chat.completions.create(
        model=product,
        messages=[{"role": "user", "content": question}],
        stream=True,
        stream_options={"include_usage": True},
    )
    for chunk in stream:
        if first is None and chunk.choices and chunk.choices[0].delta.content:
            first = time.perf_counter() - begin
        if chunk.usage is not None:
            samples.tokens += chunk.usage.completion_tokens
    samples.full.append(time.perf_counter() - begin)
    if first is not None:
        samples.first.append(first)


def search(url: str, question: str, samples: Samples) -> None:
    """One hybrid search."""
    begin = time.perf_counter()
    with httpx.Client(trust_env=False, timeout=600) as http:
        http.post(f"{url}/v1/search", json={"query": question}).raise_for_status()
    samples.search.append(time.perf_counter() - begin)


def all_at_once(clients: int, work: Sequence[Callable[[], None]]) -> float:
    """Do all work with so many clients; seconds until the last is done."""
    todo, lock = list(reversed(work)), threading.Lock()

    def client() -> None:
        while True:
            with lock:
                if not todo:
                    return
                job = todo.pop()
            job()

    threads = [threading.Thread(target=client) for _ in range(clients)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - begin


def measure(url: str, product: str, asked: Sequence[str], clients: int, server: psutil.Process) -> str:
    """One row of the table."""
    samples = Samples()
    all_at_once(clients, [lambda q=q: search(url, q, samples) for q in asked * 3])
    before = server.cpu_times()
    wall = all_at_once(clients, [lambda q=q: ask(url, product, q, samples) for q in asked])
    after = server.cpu_times()
    cpu = after.user + after.system - before.user - before.system
    cells = [quantiles(values) for values in (samples.search, samples.first, samples.full)]
    rates = f"{len(asked) / wall:.2f} | {cpu / len(asked):.2f} | {samples.tokens / len(asked):.0f}"
    return f"| {clients} | {' | '.join(cells)} | {rates} |"


def quantiles(seconds: Sequence[float]) -> str:
    """Median and 95th percentile."""
    if len(seconds) < 2:
        return "-"
    return f"{statistics.median(seconds):.3f} / {statistics.quantiles(seconds, n=20)[-1]:.3f}"


def main() -> None:
    """Start the service, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("product")
    parser.add_argument("--home", type=Path, default=Path(".headwater"))
    parser.add_argument("--answers", type=int, default=32, help="answers at each number of clients")
    options = parser.parse_args()
    asked = questions(options.home, options.product, options.answers)
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = int(found.getsockname()[1])
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("headwater")), "serve", options.product, "--port", str(port),
             "--rate", "10000"],
            env={**os.environ, "HEADWATER_HOME": str(options.home)}, stdout=log, stderr=log,
        )  # fmt: skip
        try:
            wait_until_ready(url, process)
            print(f"load of the machine when it began: {os.getloadavg()[0]:.1f}; {os.cpu_count()} cores")
            print("| clients | search s, p50 / p95 | first token s | full answer s | answers/s "
                  "| CPU s an answer | tokens an answer |\n|---|---|---|---|---|---|---|")  # fmt: skip
            for clients in CLIENTS:
                print(measure(url, options.product, asked, clients, psutil.Process(process.pid)), flush=True)
            memory = psutil.Process(process.pid).memory_info().rss / 1e6
            print(f"memory of the service: {memory:,.0f} MB")
        finally:
            process.terminate()
            process.wait(timeout=60)


def wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    """Raises `RuntimeError` when the service ends or takes too long."""
    end = time.monotonic() + READY_SECONDS
    with httpx.Client(trust_env=False, timeout=5) as http:
        while time.monotonic() < end and process.poll() is None:
            try:
                if http.get(f"{url}/health/ready").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.2)
    raise RuntimeError(f"the service is not ready (exit code {process.poll()})")


if __name__ == "__main__":
    main()
