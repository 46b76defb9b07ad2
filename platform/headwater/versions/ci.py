"""The check of a proposed change: build on a branch of its own, audit, judge, compare, clean up.

The branch starts at the base and copies nothing; what the change did not touch is not made again.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headwater.lake.errors import NotFound
from headwater.lake.protocol import Lake
from headwater.lake.records import read_record
from headwater.settings import MAIN, Settings
from headwater.tables import read_json
from headwater.versions.compare import Comparison, compare
from headwater.workspace import CheckOutcome

if TYPE_CHECKING:
    import dagster as dg

    from headwater.building import BuildResult

PASSED, FAILED, REFUSED = 0, 1, 2
COMMIT = re.compile(r"[0-9a-f]{7,40}")


@dataclass(frozen=True)
class ProductCheck:
    """One product's build. `gate` is passed, refused, or empty for a product without a release asset.

    `checks` maps an asset to its audits, also of an asset that they kept from being published; `decision`
    is what the release asset wrote.
    """

    product: str
    build: BuildResult
    checks: dict[str, tuple[CheckOutcome, ...]]
    gate: str
    decision: dict[str, Any]
    comparison: Comparison


@dataclass(frozen=True)
class Checked:
    """The end of a check. `exit_code`: 0 passed, 1 a build failed, 2 a gate refused."""

    branch: str
    base: str
    base_commit: str
    products: tuple[ProductCheck, ...]

    @property
    def exit_code(self) -> int:
        """The worst of the products."""
        if not all(item.build.succeeded for item in self.products):
            return FAILED
        return REFUSED if any(item.gate == "refused" for item in self.products) else PASSED


def check(
    settings: Settings,
    products: Sequence[str] = (),
    *,
    base: str = MAIN,
    commit: str = "",
    keep: bool = False,
    definitions: dg.Definitions | None = None,
) -> Checked:
    """Build `products` (default: all) on the branch `ci-<short git sha>` and judge the result.

    `commit` is the Git commit that is checked; default: GITHUB_SHA, or that of the working directory. The
    branch, and those that failed audits left, are deleted at the end unless `keep`. A left-over branch of an
    earlier check of the same commit is replaced.

    Raises `ValueError` when no Git commit is known, `NotFound` for an unknown base, `UnknownProduct`.
    """
    from headwater.building import build, load_definitions
    from headwater.building import products as defined

    loaded = definitions if definitions is not None else load_definitions()
    lake = settings.open_lake()
    branch = f"ci-{short_commit(commit)}"
    base_commit = lake.resolve(base)
    _delete(lake, branch)
    lake.create_branch(branch, base_commit)
    runs: list[str] = []
    try:
        checked: list[ProductCheck] = []
        for product in products or defined(loaded):
            result = build(
                product, branch=branch, definitions=loaded, home=str(settings.home), lake=settings.lake
            )
            runs.append(result.run_id)
            checked.append(_judge(lake, base_commit, branch, result))
        return Checked(branch, base, base_commit, tuple(checked))
    finally:
        if not keep:
            _delete(lake, branch)
            for run in runs:
                for name in lake.refs("branch", f"run-{run}-"):
                    _delete(lake, name)


def short_commit(given: str = "") -> str:
    """The first 12 digits of the Git commit that is checked. Raises `ValueError` when none is known."""
    found = (given or os.environ.get("GITHUB_SHA", "") or _head()).lower()
    if not COMMIT.fullmatch(found):
        raise ValueError(
            f"commit: expected 7 to 40 hex digits of a Git commit, found {found!r}; give one with --commit"
        )
    return found[:12]


def _head() -> str:
    found = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return found.stdout.strip() if found.returncode == 0 else ""


def _judge(lake: Lake, base: str, branch: str, result: BuildResult) -> ProductCheck:
    product = result.product
    checks: dict[str, tuple[CheckOutcome, ...]] = {}
    for asset in result.assets:
        # What failed its audit stands on the branch of the run alone.
        for ref in (*lake.refs("branch", f"run-{result.run_id}-"), branch):
            record = read_record(lake, ref, product, asset)
            failed = record is not None and not all(check.passed for check in record.outcomes)
            if record is not None and (failed or ref == branch):
                checks[asset] = record.outcomes
                break
    decision: dict[str, Any] = {}
    if result.succeeded and "release" in result.assets:
        decision = read_json(lake.fetch(branch, f"{product}/release/decision.json"))
    gate = ("passed" if decision["passed"] else "refused") if decision else ""
    comparison = compare(lake, base, branch, product=product)
    return ProductCheck(product, result, checks, gate, decision, comparison)


def _delete(lake: Lake, branch: str) -> None:
    with suppress(NotFound):
        lake.delete_branch(branch)
