"""The compose files: their keys, and the rules that every service of Headwater keeps."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import yaml

Json = dict[str, Any]

VARIABLE = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?:(?P<rule>:?[-?+])(?P<text>[^}]*))?\}")
"""A variable as the compose specification writes it in braces; the shorter `$NAME` is not used here."""

SERVICE_KEYS = frozenset(
    {"build", "cap_drop", "command", "depends_on", "deploy", "entrypoint", "environment", "healthcheck"}
    | {"image", "init", "logging", "networks", "ports", "read_only", "restart", "security_opt", "shm_size"}
    | {"stop_grace_period", "tmpfs", "user", "volumes"}
)
"""The keys that services here use. One outside of them is a slip, or needs a rule of its own first."""

TOP_KEYS = frozenset({"name", "services", "networks", "volumes"})
_HEALTH_KEYS = frozenset({"test", "interval", "timeout", "retries", "start_period"})
_CONDITIONS = frozenset({"service_healthy", "service_completed_successfully"})
_SECRET = re.compile(r"PASSWORD|SECRET|_ACCESS_KEY_ID$|TOKEN")
_TAG = re.compile(r"(?P<name>[a-z0-9./_-]+):(?P<tag>[A-Za-z0-9._-]+)(@sha256:[0-9a-f]{64})?")
_ROOT = re.compile(r"(root|0)(:|$)")


def load(path: Path) -> Json:
    """A compose file with anchors and merges resolved and variables as they stand. Raises `YAMLError`."""
    return cast("Json", yaml.safe_load(path.read_text(encoding="utf-8")))


def services(document: Json) -> dict[str, Json]:
    """The services by name."""
    return cast("dict[str, Json]", document["services"])


def interpolate(text: str, values: Mapping[str, str]) -> str:
    """Put values for variables, as compose does. Raises `ValueError` for one that must be set and is not."""

    def value(match: re.Match[str]) -> str:
        found = values.get(match["name"], "")
        if found or not match["rule"]:
            return found
        if match["rule"].endswith("?"):
            raise ValueError(f"{match['name']} {match['text']}")
        return match["text"]

    return VARIABLE.sub(value, text)


def problems(document: Json) -> Iterator[str]:
    """What is wrong with a whole compose file (not with one that only overrides another)."""
    for key in sorted(document):
        if key not in TOP_KEYS and not key.startswith("x-"):
            yield f"compose: unknown key {key!r}"
    known = services(document)
    for name, service in known.items():
        for problem in (
            *_shape(service),
            *_hardening(service),
            *_image(service),
            *_secrets(service),
            *_ports(service, document),
            *_health(service),
            *_needs(service, document),
            *_dependencies(service, known),
        ):
            yield f"service {name}: {problem}"


def _shape(service: Json) -> Iterator[str]:
    for key in sorted(set(service) - SERVICE_KEYS):
        yield f"unknown key {key!r}"


def _hardening(service: Json) -> Iterator[str]:
    user = str(service.get("user", ""))
    if not user or _ROOT.match(user):
        yield "runs as root: name a user"
    if service.get("read_only") is not True:
        yield "its root file system can be written: read_only: true"
    if service.get("cap_drop") != ["ALL"]:
        yield "keeps capabilities: cap_drop: [ALL]"
    if "no-new-privileges:true" not in service.get("security_opt", []):
        yield "may gain privileges: security_opt: [no-new-privileges:true]"
    limits = service.get("deploy", {}).get("resources", {}).get("limits", {})
    for limit in ("cpus", "memory", "pids"):
        if limit not in limits:
            yield f"has no limit of {limit}"
    if service.get("restart") not in ("unless-stopped", "no"):
        yield "has no restart policy"
    for volume in service.get("volumes", []):
        if "docker.sock" in str(volume):
            yield "mounts the engine's socket, which is root on the machine"


def _image(service: Json) -> Iterator[str]:
    image = interpolate(str(service.get("image", "")), {})
    match = _TAG.fullmatch(image)
    if match is None:
        yield f"its image {image!r} has no tag"
    elif not re.search(r"\d+\.\d+", match["tag"]):
        yield f"its image {image!r} is not pinned to a version"


def _secrets(service: Json) -> Iterator[str]:
    for name, value in service.get("environment", {}).items():
        holds = [match for match in VARIABLE.finditer(str(value)) if _SECRET.search(match["name"])]
        if _SECRET.search(name) and not holds:
            yield f"{name} is written out: take it from .env"
        for match in holds:
            if match["rule"] != ":?":
                yield f"{match['name']} may be empty or has a default: write ${{{match['name']}:?…}}"
        if re.search(r"://[^:/@]+:[^$@]+@", str(value)):
            yield f"{name} holds a password: take it from .env"


def _ports(service: Json, document: Json) -> Iterator[str]:
    for port in service.get("ports", []):
        if not str(port).startswith("127.0.0.1:"):
            yield f"port {port} is published beyond loopback"
    internal = {name for name, network in document["networks"].items() if (network or {}).get("internal")}
    if service.get("ports") and set(service.get("networks", [])) <= internal:
        yield "publishes a port, but every network of it is internal"


def _health(service: Json) -> Iterator[str]:
    check = service.get("healthcheck")
    if check is None:
        if service.get("restart") != "no":
            yield "runs on and has no health check"
        return
    for key in sorted(_HEALTH_KEYS ^ set(check)):
        yield f"healthcheck: {'unknown' if key in check else 'missing'} key {key!r}"
    if check.get("test", [""])[0] != "CMD":
        yield "healthcheck: expected a test that begins with CMD"


def _needs(service: Json, document: Json) -> Iterator[str]:
    for network in service.get("networks", []):
        if network not in document["networks"]:
            yield f"network {network!r} is not declared"
    for volume in service.get("volumes", []):
        source = str(volume).partition(":")[0]
        if not source.startswith((".", "/")) and source not in document["volumes"]:
            yield f"volume {source!r} is not declared"


def _dependencies(service: Json, known: Mapping[str, Json]) -> Iterator[str]:
    for name, how in service.get("depends_on", {}).items():
        if name not in known:
            yield f"depends on {name!r}, which is no service"
        elif how.get("condition") not in _CONDITIONS:
            yield f"depends on {name} without waiting for it to be healthy or done"
        elif how["condition"] == "service_healthy" and "healthcheck" not in known[name]:
            yield f"waits for {name}, which has no health check"
        elif how["condition"] == "service_completed_successfully" and known[name].get("restart") != "no":
            yield f"waits for the end of {name}, which restarts"
        elif not set(service.get("networks", [])) & set(known[name].get("networks", [])):
            yield f"depends on {name}, but shares no network with it"
