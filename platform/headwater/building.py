"""Build a product from Python: the same job that the UI runs, in this process.

import headwater
result = headwater.build("notes", branch="pr-123")
result.succeeded, result.assets["silver"].commit
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import dagster as dg

from headwater.components.jobs import job_name
from headwater.components.resource import Headwater

QUIET = {"console": {"config": {"log_level": "CRITICAL"}}}
"""The core logs progress itself; Dagster's own log of every event is in the instance."""


@dataclass(frozen=True)
class AssetResult:
    """The end of one asset. `outcome` is published, unchanged, failed or skipped."""

    asset: str
    outcome: str
    rows: int = 0
    seconds: float = 0.0
    commit: str = ""
    data_version: str = ""
    reason: str = ""
    metadata: Mapping[str, Any] | None = None
    """Everything that the UI shows, in Dagster's types."""

    def summary(self) -> dict[str, Any]:
        """All but the metadata, in plain types."""
        return {item.name: getattr(self, item.name) for item in fields(self) if item.name != "metadata"}


@dataclass(frozen=True)
class BuildResult:
    """The end of a build. `verdict` is what the release step said, empty if it did not run."""

    product: str
    branch: str
    run_id: str
    succeeded: bool
    assets: Mapping[str, AssetResult]
    verdict: str = ""
    release: str = ""

    @property
    def reason(self) -> str:
        """Why it failed: the first failed asset's reason."""
        return next((item.reason for item in self.assets.values() if item.outcome == "failed"), "")


class UnknownProduct(ValueError):
    """No product of that name is defined; the message lists those that are."""


class UnknownAsset(ValueError):
    """A product has no asset of that name; the message lists those it has."""


def build(
    product: str,
    *,
    select: Sequence[str] = (),
    branch: str | None = None,
    definitions: dg.Definitions | None = None,
    instance: dg.DagsterInstance | None = None,
    home: str = "",
    lake: str = "",
) -> BuildResult:
    """Materialize a product, or the assets named in `select`, on `branch` (default: HEADWATER_BRANCH).

    A branch that does not exist is created from `main` and copies nothing. The run is recorded in the
    instance of DAGSTER_HOME, where the UI shows it; without DAGSTER_HOME it is kept in memory only.

    Raises `UnknownProduct` and `UnknownAsset`. A failed audit or step does not raise: see `succeeded`.
    """
    loaded = definitions if definitions is not None else load_definitions()
    job = _job(loaded, product)
    keys = _selected(job, product, select)
    settings = Headwater(home=home, lake=lake, branch=branch or "").settings()
    _ensure_branch(settings)
    used = instance or _default_instance()
    log = logging.getLogger("headwater")
    log.info("building %s on %s (%d assets)", product, settings.branch, len(keys))
    result = job.execute_in_process(
        instance=used,
        asset_selection=keys,
        run_config={
            "loggers": QUIET,
            "resources": {"headwater": {"config": {"home": home, "lake": lake, "branch": settings.branch}}},
        },
        raise_on_error=False,
        tags={"headwater/branch": settings.branch},
    )
    return _summary(product, settings.branch, result)


def load_definitions() -> dg.Definitions:
    """The definitions that Dagster loads."""
    from headwater.definitions import defs

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        return defs()


def products(definitions: dg.Definitions) -> list[str]:
    """Names of the defined products."""
    found = {key.path[0] for key in definitions.resolve_all_asset_keys() if len(key.path) == 2}
    return sorted(found)


def _job(definitions: dg.Definitions, product: str) -> dg.JobDefinition:
    known = products(definitions)
    if product not in known:
        raise UnknownProduct(f"no product {product!r}; defined are: {', '.join(known) or 'none'}")
    return definitions.resolve_job_def(job_name(product))


def _selected(job: dg.JobDefinition, product: str, select: Sequence[str]) -> list[dg.AssetKey]:
    all_keys = sorted(job.asset_layer.executable_asset_keys)
    if not select:
        return all_keys
    names = {key.path[-1]: key for key in all_keys}
    unknown = [name for name in select if name.rpartition("/")[2] not in names]
    if unknown:
        raise UnknownAsset(f"{product} has no asset {', '.join(unknown)}; it has: {', '.join(names)}")
    return [names[name.rpartition("/")[2]] for name in select]


def _default_instance() -> dg.DagsterInstance:
    import os

    return dg.DagsterInstance.get() if os.environ.get("DAGSTER_HOME") else dg.DagsterInstance.ephemeral()


def _ensure_branch(settings: Any) -> None:
    from headwater.lake.errors import Exists, NotFound

    lake = settings.open_lake()
    try:
        lake.resolve(settings.branch)
    except NotFound:
        try:
            lake.create_branch(settings.branch, "main")
        except Exists:
            logging.getLogger("headwater").info("branch %s was created by another build", settings.branch)


def _summary(product: str, branch: str, result: dg.ExecuteInProcessResult) -> BuildResult:
    assets: dict[str, AssetResult] = {}
    for event in result.all_events:
        if event.is_step_failure:
            asset = _asset_of(event.step_key or "", product)
            assets[asset] = AssetResult(asset, "failed", reason=_reason(event))
        elif event.is_step_skipped:
            asset = _asset_of(event.step_key or "", product)
            assets[asset] = AssetResult(asset, "skipped", reason="an input failed")
        elif event.is_step_materialization:
            materialization = event.step_materialization_data.materialization
            values: dict[str, Any] = {name: entry.value for name, entry in materialization.metadata.items()}
            asset = (materialization.asset_key or dg.AssetKey("")).path[-1]
            assets[asset] = AssetResult(
                asset,
                str(values["outcome"]),
                rows=int(values["dagster/row_count"]),
                seconds=float(values["seconds"]),
                commit=str(values["commit"]),
                data_version=str((materialization.tags or {}).get("dagster/data_version", "")),
                metadata=values,
            )
    release = assets.get("release")
    details = (release.metadata or {}) if release else {}
    return BuildResult(
        product=product,
        branch=branch,
        run_id=result.run_id,
        succeeded=result.success,
        assets=assets,
        verdict=str(details.get("verdict", "")),
        release=str(details.get("release", "")),
    )


def _asset_of(step_key: str, product: str) -> str:
    return step_key.removeprefix(f"{product}__")


def _reason(event: dg.DagsterEvent) -> str:
    data = event.step_failure_data
    if data.user_failure_data is not None and data.user_failure_data.description:
        return data.user_failure_data.description
    error = data.error
    if error is None:
        return "failed"
    cause = error.cause or error
    return f"{cause.cls_name}: {cause.message.strip()}"
