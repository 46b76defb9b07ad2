"""Make a release again from its recorded raw inputs, and compare the bytes asset by asset."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from headwater.fingerprint import canonical_json
from headwater.lake.erased import erasures_path
from headwater.lake.errors import NotFound
from headwater.lake.protocol import Lake
from headwater.lake.records import Record, data_version, read_record, record_path, records_at
from headwater.monitor.served import SERVED
from headwater.release import BASELINE, Release, baseline_path, current_release, root_commit
from headwater.settings import Settings
from headwater.versions.compare import MetricChange, differences, metric_changes
from headwater.versions.releases import NoSuchRelease, find_release
from headwater.versions.served_before import fixed_path

if TYPE_CHECKING:
    import dagster as dg

RAW = "raw"
OBSERVED = (RAW, "inference", "answers")
"""What looks at the outside world, which cannot be made again."""


@dataclass(frozen=True)
class Remade:
    """One asset: its recorded data version beside the one made now.

    `why` names what is known to differ in how it was made. Where nothing does, the computation itself gave
    other bytes, for example another processor's sums; `metrics` then says what that means.
    """

    asset: str
    verdict: Literal["equal", "different", "taken over", "not made"]
    recorded: str
    made: str
    why: tuple[str, ...]
    metrics: tuple[MetricChange, ...]


@dataclass(frozen=True)
class Reproduction:
    """A release made again. `reason` is why its build failed, if it did."""

    release: str
    product: str
    commit: str
    assets: tuple[Remade, ...]
    reason: str

    @property
    def equal(self) -> int:
        """How many assets have the recorded bytes."""
        return sum(item.verdict in ("equal", "taken over") for item in self.assets)

    @property
    def reproduced(self) -> bool:
        """Whether all of them have."""
        return self.equal == len(self.assets)


def reproduce(
    settings: Settings, product: str, release: str = "", *, definitions: dg.Definitions | None = None
) -> Reproduction:
    """Rebuild a release (default: the one in production) on a scratch branch, with caches of its own.

    Raw and the inference log are taken from the release, not from where they came from; everything else is
    made from nothing by the code and the definitions that are installed now. The evaluation compares with
    what the recorded one compared with. Branch and caches are removed at the end; `main` and `production`
    do not move.

    Raises `NoSuchRelease`, and `Gone` when the release's raw files were swept.
    """
    from headwater.building import build, load_definitions

    loaded = definitions if definitions is not None else load_definitions()
    lake = settings.open_lake()
    target = _release(lake, product, release)
    records = records_at(lake, target.commit, product)
    defined = {key.path[1] for key in loaded.resolve_all_asset_keys() if key.path[0] == product}
    branch = f"run-reproduce-{target.name}"
    home = settings.home / "reproduce" / target.name
    shutil.rmtree(home, ignore_errors=True)
    _prepare(lake, target, branch)
    try:
        result = build(
            product,
            select=[item.asset for item in records if item.asset not in OBSERVED and item.asset in defined],
            branch=branch,
            definitions=loaded,
            home=str(home),
            lake=settings.lake,
        )
        assets = tuple(_remade(lake, branch, record) for record in records)
        for name in lake.refs("branch", f"run-{result.run_id}-"):
            lake.delete_branch(name)
    finally:
        lake.delete_branch(branch)
        shutil.rmtree(home, ignore_errors=True)
    return Reproduction(target.name, product, target.commit, assets, result.reason)


def _release(lake: Lake, product: str, name: str) -> Release:
    if name:
        return find_release(lake, product, name)
    current = current_release(lake, product)
    if current is None:
        raise NoSuchRelease(f"{product} was never released: there is nothing to reproduce")
    return current


def _prepare(lake: Lake, release: Release, branch: str) -> None:
    """A branch with nothing but what the release observed, its erasure list, and further inputs."""
    product = release.product
    with suppress(NotFound):
        lake.delete_branch(branch)
    lake.create_branch(branch, root_commit(lake))
    with lake.change(branch, f"Raw files of {release.name}", {"release": release.name}) as change:
        for asset in OBSERVED:
            change.adopt(f"{product}/{asset}/", release.commit)
        change.put(baseline_path(product), _fixed(lake, release, "evaluation", BASELINE))
        change.put(fixed_path(product), _fixed(lake, release, "profile", SERVED))
        records = [record_path(product, asset) for asset in OBSERVED]
        for path in (*records, erasures_path(product)):
            with suppress(NotFound):
                change.put(path, lake.fetch(release.commit, path))


def _fixed(lake: Lake, release: Release, asset: str, name: str) -> bytes:
    """The further input `name` that the release's asset was made with, as the branch fixes it."""
    record = read_record(lake, release.commit, release.product, asset)
    entry = record.upstream.get(name) if record else None
    return canonical_json({key: entry[key] for key in ("commit", "folder")} if entry else {}).encode()


def _remade(lake: Lake, branch: str, recorded: Record) -> Remade:
    made = read_record(lake, branch, recorded.product, recorded.asset)
    version = data_version(lake, branch, f"{recorded.product}/{recorded.asset}/") or ""
    why = tuple(differences(recorded, made))
    if recorded.asset in OBSERVED:
        return Remade(recorded.asset, "taken over", recorded.data_version, version, (), ())
    if made is None:
        return Remade(recorded.asset, "not made", recorded.data_version, "", ("its build failed",), ())
    if version == recorded.data_version:
        return Remade(recorded.asset, "equal", recorded.data_version, version, why, ())
    return Remade(
        recorded.asset,
        "different",
        recorded.data_version,
        version,
        why or ("same inputs, configuration, code and libraries: the computation gave other bytes",),
        metric_changes(recorded, made),
    )
