"""Variables, and the two files of Dagster that the image carries."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from checks.compose import VARIABLE, Json, interpolate, services

_DOCUMENTED = re.compile(r"^(?:# )?([A-Z][A-Z0-9_]*)=(.*)$", re.MULTILINE)
PROCESSES = ("webserver", "daemon", "code")
"""The services that load Dagster's configuration."""

_FILES = ("dagster.yaml", "workspace.yaml")
_PRINT = """
import sys
from dagster import DagsterInstance
from dagster._core.workspace.load import location_origins_from_yaml_paths
instance = DagsterInstance.get()
for part in (instance.run_storage, instance.compute_log_manager, instance.run_launcher):
    print(type(part).__name__)
for origin in location_origins_from_yaml_paths([sys.argv[1]]):
    print(origin.location_name, origin.host, origin.port)
"""
_PARTS = ["PostgresRunStorage", "S3ComputeLogManager", "DefaultRunLauncher"]
_PRINT_WORKSPACE = """
import sys
from dagster._core.workspace.load import location_origins_from_yaml_paths
for origin in location_origins_from_yaml_paths([sys.argv[1]]):
    print(origin.location_name, origin.host, origin.port)
"""


def documented(root: Path) -> dict[str, str]:
    """The variables of .env.example with the value that stands there."""
    return dict(_DOCUMENTED.findall((root / ".env.example").read_text(encoding="utf-8")))


def variables(root: Path, documents: Mapping[str, Json]) -> Iterator[str]:
    """What .env.example lacks, and what it has that nothing reads."""
    known = documented(root)
    used = {match["name"] for text in _texts(documents) for match in VARIABLE.finditer(text)}
    for name in sorted(used - set(known)):
        yield f".env.example does not explain {name}, which a compose file uses"
    sources = (root / "platform").rglob("*.py")
    code = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    for name in sorted(set(known) - used):
        if f'"{name}"' not in code:
            yield f".env.example explains {name}, which neither a compose file nor the package reads"
    for name, value in sorted(known.items()):
        if value and re.search(r"PASSWORD|SECRET|ACCESS_KEY", name):
            yield f".env.example gives a value to the secret {name}"


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield str(key)
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    else:
        yield str(value)


def environment(document: Json, service: str, values: Mapping[str, str]) -> dict[str, str]:
    """What a service's processes find, with variables put in. Raises `ValueError` for one that is missing."""
    found = services(document)[service].get("environment", {})
    return {name: interpolate(str(value), values) for name, value in found.items()}


def dagster(root: Path, document: Json) -> Iterator[str]:
    """Whether instance and workspace of production load with what the services' environments give them."""
    files = [yaml.safe_load((root / "docker" / name).read_text(encoding="utf-8")) for name in _FILES]
    read = {name for file in files for name in _read_from_environment(file)}
    # The values matter not, only that each is there.
    values = {name: value or "0" for name, value in documented(root).items()}
    full = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    missing = False
    for service in PROCESSES:
        given = environment(document, service, values)
        full |= given
        for name in sorted(read - set(given)):
            missing = True
            yield f"service {service}: {name} is not set, which Dagster's configuration reads"
    if not missing:
        with tempfile.TemporaryDirectory(prefix="headwater-docker-") as folder:
            full |= {"DAGSTER_HOME": folder, "DAGSTER_SCRATCH": str(Path(folder) / "scratch")}
            yield from _loaded(files[0], root / "docker/workspace.yaml", full)


def _read_from_environment(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping) and set(value) == {"env"}:
        yield str(value["env"])
    elif isinstance(value, Mapping | list):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _read_from_environment(item)


def _loaded(configuration: Json, workspace: Path, full: Mapping[str, str]) -> Iterator[str]:
    if configuration.get("telemetry", {}).get("enabled") is not False:
        yield "docker/dagster.yaml: telemetry is on"
    # There is no database to make tables in.
    configuration["storage"]["postgres"]["should_autocreate_tables"] = False
    (Path(full["DAGSTER_HOME"]) / "dagster.yaml").write_text(yaml.safe_dump(configuration), encoding="utf-8")
    answer = subprocess.run(
        [sys.executable, "-c", _PRINT, workspace], env=full, capture_output=True, text=True, check=False
    )
    location = f"headwater {full['HEADWATER_CODE_HOST']} {full['HEADWATER_CODE_PORT']}"
    if answer.returncode:
        yield f"docker/dagster.yaml or workspace.yaml does not load: {_last_line(answer.stderr)}"
    elif (found := answer.stdout.splitlines()) != [*_PARTS, location]:
        yield f"Dagster's configuration: expected {', '.join([*_PARTS, location])}, got {', '.join(found)}"


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no output"])[-1]
