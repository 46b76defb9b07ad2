"""Every release with what it is made of, and moving `production` back to one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from filelock import FileLock

from headwater.lake.errors import LakeError, NoChanges
from headwater.lake.protocol import Lake
from headwater.lake.records import read_record, records_at
from headwater.release import Release, current_release, keep_log, releases
from headwater.settings import PRODUCTION
from headwater.versions.erased_releases import why_not


@dataclass(frozen=True)
class ReleaseDetails:
    """A release with its scores, and the data version of each of its assets (index, model and the rest)."""

    name: str
    product: str
    commit: str
    time: datetime
    main_commit: str
    in_production: bool
    scores: Mapping[str, float]
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Rollback:
    """What production holds now and held before. `commit` is that of `production`."""

    product: str
    release: str
    before: str
    commit: str
    moved: bool


class NoSuchRelease(LakeError):
    """The product has no such release; the message names those it has."""


class HoldsErased(LakeError):
    """The release held what was erased since, or nobody looked whether it did."""


def details(lake: Lake, product: str) -> list[ReleaseDetails]:
    """All releases of a product, oldest first."""
    current = current_release(lake, product)
    return [_details(lake, release, current) for release in releases(lake, product)]


def released_products(lake: Lake) -> list[str]:
    """Products that have a release."""
    return sorted({name.rpartition("-v")[0] for name in lake.refs("tag") if "-v" in name})


def find_release(lake: Lake, product: str, name: str) -> Release:
    """A release by its name. Raises `NoSuchRelease`."""
    known = releases(lake, product)
    found = next((release for release in known if release.name == name), None)
    if found is None:
        names = ", ".join(release.name for release in known) or "none"
        raise NoSuchRelease(f"{product} has no release {name!r}; it has: {names}")
    return found


def rollback(
    lake: Lake,
    product: str,
    release: str = "",
    *,
    home: Path,
    only_from: str = "",
    metadata: Mapping[str, str] | None = None,
) -> Rollback:
    """Move `production` to an earlier release in one commit; history, tags and `main` stay.

    Without a name: to the release before the one in production. Object for object, `production` then holds
    of the product what the release's tag holds, but for the log, which is no part of a release and stays as
    it is; what was released since is not released again by a rebuild
    of the same parts. Cost follows the number of objects that differ, not their size. With `only_from` it
    moves only if it holds that release.

    Raises `NoSuchRelease`, and `HoldsErased` for a release that held what was erased since.
    """
    (home / "locks").mkdir(parents=True, exist_ok=True)
    with FileLock(home / "locks" / f"{PRODUCTION}-{product}.lock"):
        current = current_release(lake, product)
        target = find_release(lake, product, release) if release else _before(lake, product, current)
        before = current.name if current else ""
        if only_from and before != only_from:
            return Rollback(product, before, before, lake.resolve(PRODUCTION), False)
        _require_erased(lake, product, target)
        production = lake.resolve(PRODUCTION)
        told = {
            **(metadata or {}),
            "product": product,
            "release": target.name,
            "rolled_back_from": before,
            "main_commit": target.main_commit,
            "data_version": target.data_version,
        }
        try:
            with lake.change(PRODUCTION, f"Roll back {product} to {target.name}", told) as change:
                change.adopt(f"{product}/", target.commit)
                change.adopt(f"_meta/{product}/", target.commit)
                keep_log(lake, change, product, production, otherwise=target.commit)
        except NoChanges:
            return Rollback(product, target.name, before, lake.resolve(PRODUCTION), False)
    assert change.commit is not None
    return Rollback(product, target.name, before, change.commit.id, True)


def _before(lake: Lake, product: str, current: Release | None) -> Release:
    known = releases(lake, product)
    names = [release.name for release in known]
    place = names.index(current.name) if current is not None else len(names)
    if place == 0:
        held = f"production holds {current.name}, the first one" if current else "it was never released"
        raise NoSuchRelease(f"{product} has no earlier release to go back to: {held}")
    return known[place - 1]


def _require_erased(lake: Lake, product: str, target: Release) -> None:
    why = why_not(lake, product, target)
    if why:
        raise HoldsErased(
            f"{target.name} {why}: production stays. Build {product} again to release a version without it"
        )


def _details(lake: Lake, release: Release, current: Release | None) -> ReleaseDetails:
    evaluation = read_record(lake, release.commit, release.product, "evaluation")
    return ReleaseDetails(
        name=release.name,
        product=release.product,
        commit=release.commit,
        time=release.time,
        main_commit=release.main_commit,
        in_production=current is not None and current.name == release.name,
        scores=dict(evaluation.metrics) if evaluation else {},
        versions={
            record.asset: record.data_version for record in records_at(lake, release.commit, release.product)
        },
    )
