"""What the production shape needs from outside."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from local_servers import ObjectStore, Postgres, accepts, free_port, healthy, running, until

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"

sys.path.insert(0, str(DOCKER))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "services: starts servers (PostgreSQL, S3, Dagster) on loopback")


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    """PostgreSQL as the compose file sets it up: a password over TCP, no other way in."""
    programs = _postgres_programs()
    pytest.importorskip("psycopg2", reason="dagster-postgres is not installed: pip install '.[production]'")
    # PostgreSQL refuses to run as root, and its user must reach its folder: not below pytest's private one.
    user = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.getuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="headwater-postgres-"))
    try:
        password = folder / "password"
        password.write_text("0123456789abcdef\n", encoding="ascii")
        for path in (folder, password):
            if user:
                shutil.chown(path, "nobody", "nogroup")
        made = subprocess.run(
            [
                programs / "initdb",
                "--username=dagster",
                f"--pwfile={password}",
                "--auth=scram-sha-256",
                "--data-checksums",
                "--no-sync",
                folder / "data",
            ],
            capture_output=True,
            text=True,
            cwd=folder,
            check=False,
            **user,
        )
        assert made.returncode == 0, made.stderr
        port = free_port()
        options = ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"]
        command = [str(programs / "postgres"), "-D", str(folder / "data"), "-p", str(port), *options]
        with running(command, folder / "log", os.environ, cwd=folder, **user):
            database = Postgres(port, "0123456789abcdef")
            until(lambda: accepts(port), 30, (folder / "log").read_text)
            _create_database(database)
            yield database
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _postgres_programs() -> Path:
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    for folder in reversed(folders):
        if (folder / "initdb").is_file() and (folder / "postgres").is_file():
            return folder
    pytest.skip("PostgreSQL's server is not installed (Debian: apt-get install postgresql)")


def _create_database(database: Postgres) -> None:
    import psycopg2

    for attempt in range(50):
        try:
            connection = psycopg2.connect(
                host="127.0.0.1",
                port=database.port,
                user="dagster",
                password=database.password,
                dbname="postgres",
            )
        except psycopg2.OperationalError:
            # It listens before it answers.
            assert attempt < 49
            time.sleep(0.2)
        else:
            break
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE dagster")
    connection.close()


@pytest.fixture
def store_settings() -> dict[str, str]:
    """What the compose file gives docker/object-store.sh."""
    keys = {
        f"OBJECT_STORE_{who}_{part}": f"{who}{part}".lower().replace("_", "")
        for who in ("ADMIN", "LAKE", "LOGS")
        for part in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY")
    }
    return {**keys, "LAKE_BUCKET": "lake", "LOGS_BUCKET": "logs"}


@pytest.fixture(params=["moto", "seaweedfs"])
def object_store(
    request: pytest.FixtureRequest, store_settings: dict[str, str], tmp_path: Path
) -> Iterator[ObjectStore]:
    """moto's server in this process, and the real thing where it is installed."""
    if request.param == "moto":
        from moto.server import ThreadedMotoServer

        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        try:
            endpoint = f"http://127.0.0.1:{server.get_host_and_port()[1]}"
            # What it holds belongs to the process, not to the server.
            reset = urllib.request.Request(f"{endpoint}/moto-api/reset", method="POST")
            urllib.request.build_opener(urllib.request.ProxyHandler({})).open(reset).close()
            yield ObjectStore(endpoint, store_settings, asks_for_keys=False)
        finally:
            server.stop()
        return
    if shutil.which("weed") is None:
        pytest.skip("SeaweedFS's program weed is not on the PATH")
    (tmp_path / "objects").mkdir()
    ports = {name: free_port() for name in ("s3", "master", "volume", "filer")}
    grpc = {name: free_port() for name in ports}
    command = [
        "sh",
        str(DOCKER / "object-store.sh"),
        f"-dir={tmp_path / 'objects'}",
        "-s3.ip.bind=127.0.0.1",
        *(f"-{name}.port={port}" for name, port in ports.items()),
        *(f"-{name}.port.grpc={port}" for name, port in grpc.items()),
    ]
    environment = {**os.environ, **store_settings, "OBJECT_STORE_CONFIG": str(tmp_path / "s3.json")}
    endpoint = f"http://127.0.0.1:{ports['s3']}"
    with running(command, tmp_path / "weed.log", environment):
        until(lambda: healthy(f"{endpoint}/healthz"), 60, (tmp_path / "weed.log").read_text)
        yield ObjectStore(endpoint, store_settings, asks_for_keys=True)
