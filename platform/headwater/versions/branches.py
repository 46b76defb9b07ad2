"""Branches that people make: copy-free environments to build in, and how they come back into `main`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from headwater.lake.errors import Conflict, Denied, LakeError, NoChanges
from headwater.lake.names import TRANSIENT_PREFIXES
from headwater.lake.protocol import Lake
from headwater.settings import MAIN, PRODUCTION


@dataclass(frozen=True)
class Branch:
    """A branch and its newest commit. `transient` branches belong to runs and are swept."""

    name: str
    commit: str
    time: datetime
    message: str
    transient: bool


@dataclass(frozen=True)
class Merged:
    """The end of a promotion: the commit that `into` has now, and the assets that it brought."""

    branch: str
    into: str
    commit: str
    assets: tuple[str, ...]
    moved: bool


class OutOfDate(LakeError):
    """Both branches changed the same assets since they parted; `assets` names them."""

    def __init__(self, branch: str, into: str, conflict: Conflict) -> None:
        self.assets = tuple(sorted({asset_of(path) for path in conflict.paths}))
        super().__init__(
            f"{branch} and {into} both changed {', '.join(self.assets)} since they parted: nothing was "
            f"merged. Start again from what {into} holds now: headwater branch create NEW --source {into}, "
            "build there and promote that"
        )


def branches(lake: Lake) -> list[Branch]:
    """All branches, sorted by name."""
    found: list[Branch] = []
    for name, commit in lake.refs("branch").items():
        entry = next(lake.log(commit, limit=1))
        found.append(Branch(name, commit, entry.time, entry.message, name.startswith(TRANSIENT_PREFIXES)))
    return found


def promote_branch(
    lake: Lake, branch: str, *, into: str = MAIN, metadata: Mapping[str, str] | None = None
) -> Merged:
    """Merge what `branch` published since it parted from `into`; the branch stays.

    Releases nothing: the next build of `into` does, if the gate passes. Raises `OutOfDate` when both sides
    published the same asset, and `Denied` for branches of runs, which may hold what failed its audit, and
    for `production`, which only a release moves.
    """
    if branch.startswith(TRANSIENT_PREFIXES):
        raise Denied(
            f"{branch} belongs to a run and may hold what failed its audit: build on a branch of yours"
        )
    if PRODUCTION in (branch, into):
        raise Denied(f"{PRODUCTION} moves by releases and rollbacks only: build {MAIN}")
    before = lake.resolve(into)
    try:
        commit = lake.merge(branch, into, f"Promote {branch}", {**(metadata or {}), "promoted": branch})
    except NoChanges:
        return Merged(branch, into, before, (), False)
    except Conflict as conflict:
        raise OutOfDate(branch, into, conflict) from conflict
    brought = sorted({asset_of(change.path) for change in lake.diff(before, commit)})
    return Merged(branch, into, commit, tuple(brought), True)


def asset_of(path: str) -> str:
    """`<product>/<asset>` of an object's path, of its record's as well."""
    pieces = path.removeprefix("_meta/").removesuffix(".json").split("/")
    return "/".join(pieces[:2])
