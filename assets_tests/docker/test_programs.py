"""The programs of docker/: secrets for .env, the object store's start, bootstrap."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import bootstrap
import pytest
from botocore.exceptions import ClientError
from checks import settings
from local_servers import ObjectStore, free_port

ROOT = Path(__file__).parents[2]


def test_a_new_env_has_a_secret_for_all_that_needs_one(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "docker/new_env.py"), "--output", str(tmp_path / ".env")]
    assert subprocess.run(command, check=False).returncode == 0
    lines = (tmp_path / ".env").read_text().splitlines()
    values = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600
    secrets = [value for name, value in values.items() if name != "HEADWATER_BRANCH"]
    assert len(secrets) == 11
    assert len(set(secrets)) == 11
    assert all(len(value) in (20, 64) and value.isalnum() for value in secrets)
    assert set(values) <= set(settings.documented(ROOT))

    before = (tmp_path / ".env").read_bytes()
    again = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (again.returncode, (tmp_path / ".env").read_bytes()) == (1, before)
    assert "stays as it is" in again.stderr


def start_store(tmp_path: Path, given: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the start script with a stand-in for `weed` that prints what it was given."""
    (tmp_path / "weed").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (tmp_path / "weed").chmod(0o755)
    environment = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "OBJECT_STORE_CONFIG": str(tmp_path / "s3.json"),
    }
    return subprocess.run(
        ["sh", str(ROOT / "docker/object-store.sh"), "-volume.max=3"],
        env={**environment, **given},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_object_store_knows_three_keys(tmp_path: Path, store_settings: dict[str, str]) -> None:
    done = start_store(tmp_path, store_settings)
    assert done.returncode == 0, done.stderr
    options = done.stdout.split()
    assert {"-ip.bind=127.0.0.1", "-s3.ip.bind=0.0.0.0", "-master.telemetry=false"} <= set(options)
    assert options[-1] == "-volume.max=3"
    written = json.loads((tmp_path / "s3.json").read_text())
    actions = {identity["name"]: identity["actions"] for identity in written["identities"]}
    assert actions["admin"] == ["Admin"]
    assert all(action.endswith(":lake") for action in actions["lake"])
    assert all(action.endswith(":logs") for action in actions["logs"])
    assert stat.S_IMODE((tmp_path / "s3.json").stat().st_mode) == 0o600


@pytest.mark.parametrize("value", ["", 'a"b', "a b", "ä"])
def test_a_key_that_would_break_its_configuration(
    tmp_path: Path, store_settings: dict[str, str], value: str
) -> None:
    name = "OBJECT_STORE_LAKE_SECRET_ACCESS_KEY"
    done = start_store(tmp_path, {**store_settings, name: value})
    assert done.returncode == 64
    assert f"{name}: expected letters and digits" in done.stderr
    assert not (tmp_path / "s3.json").exists()


@pytest.mark.services
def test_each_key_opens_its_own_bucket(object_store: ObjectStore) -> None:
    environment = {
        **object_store.keys,
        "OBJECT_STORE_ENDPOINT": object_store.endpoint,
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    bootstrap.make_buckets(environment)
    bootstrap.make_buckets(environment)
    for who, own, other in (("LAKE", "lake", "logs"), ("LOGS", "logs", "lake")):
        client = object_store.client(who)
        client.put_object(Bucket=own, Key="a", Body=b"1")
        assert client.get_object(Bucket=own, Key="a")["Body"].read() == b"1"
        client.delete_object(Bucket=own, Key="a")
        if object_store.asks_for_keys:
            for refused in (
                lambda client=client, other=other: client.put_object(Bucket=other, Key="a", Body=b"1"),
                lambda client=client, other=other: client.list_objects_v2(Bucket=other),
                lambda client=client: client.create_bucket(Bucket="third"),
            ):
                with pytest.raises(ClientError, match="AccessDenied"):
                    refused()


def test_bootstrap_says_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], store_settings: dict[str, str]
) -> None:
    monkeypatch.delenv("OBJECT_STORE_ENDPOINT", raising=False)
    assert bootstrap.main() == 1
    assert "OBJECT_STORE_ENDPOINT" in capsys.readouterr().out
    for name, value in {**store_settings, "AWS_DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("OBJECT_STORE_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    assert bootstrap.main() == 1
    said = capsys.readouterr().out
    assert "bad  object store" in said
    assert store_settings["OBJECT_STORE_ADMIN_SECRET_ACCESS_KEY"] not in said
