"""A recipe: everything that decides what one asset is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from headwater.fingerprint import code_version, digest_text
from headwater.lake.protocol import Lake
from headwater.schemas.dataset import Dataset
from headwater.workspace import Produced, Workspace

SHARED_CODE = ("headwater.schemas", "headwater.tables", "headwater.fingerprint")
"""Code that shapes every asset."""


@dataclass(frozen=True)
class Pin:
    """A folder of the lake at a commit, ending in "/", or one object."""

    commit: str
    folder: str


@dataclass(frozen=True)
class Declared:
    """A check that a maker will report: its name, what it says, and whether it blocks publishing."""

    name: str
    description: str
    blocking: bool = True


@dataclass(frozen=True)
class Recipe:
    """How one asset is made.

    `inputs` are assets of the same product. `datasets` maps a folder below the asset ("" for the asset
    itself) to the schema that is audited there. `code` names the modules whose source is the code version.
    `observes` marks an asset that looks at the outside world, so that it is made at every run.
    `pins(lake, head, data versions of the inputs)` finds further inputs when the step starts, for example
    what production holds.
    """

    product: str
    asset: str
    maker: Callable[[Workspace], Produced]
    code: tuple[str, ...]
    inputs: tuple[str, ...] = ()
    datasets: Mapping[str, Dataset] = field(default_factory=dict[str, Dataset])
    checks: tuple[Declared, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict[str, Any])
    libraries: tuple[str, ...] = ()
    observes: bool = False
    pins: Callable[[Lake, str, Mapping[str, str]], Mapping[str, Pin]] | None = None

    @property
    def folder(self) -> str:
        """The asset's folder in the lake."""
        return f"{self.product}/{self.asset}/"

    @property
    def code_version(self) -> str:
        """Digest of the code, short enough to read in the UI."""
        return code_version(*SHARED_CODE, *self.code)[:16]


def declared_checks(recipe: Recipe) -> tuple[Declared, ...]:
    """Every check of an asset: one per audited dataset, then the maker's own."""
    schemas = tuple(
        Declared(f"{dataset.name}_schema", f"Every row satisfies the Pandera schema of {dataset.name}")
        for dataset in recipe.datasets.values()
    )
    return (*schemas, *recipe.checks)


def run_branch(run_id: str, recipe: Recipe) -> str:
    """The branch on which a run makes an asset: the same for every retry of that run."""
    name = f"run-{run_id}-{recipe.product}-{recipe.asset}"
    return name if len(name) <= 100 else f"run-{run_id}-{digest_text(name)[:16]}"
