"""A recipe as a Dagster asset: the publish protocol runs inside its step.

So a materialization always means "published", in the UI, under sensors and in CI alike.
"""

# Dagster reads the annotations of a step as objects, so they may not be postponed here.
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from headwater.components.automation import refresh
from headwater.components.links import commit_link, run_link
from headwater.components.rendering import check_result, column_schema, materialization_metadata
from headwater.components.resource import Headwater
from headwater.fingerprint import digest_json
from headwater.lake.publish import AuditFailed, MissingInput, Published, publish
from headwater.lake.recipe import Recipe, declared_checks
from headwater.settings import Settings
from headwater.workspace import log_progress


@dataclass(frozen=True)
class Asset:
    """A recipe with what people see of it.

    `after` runs when the asset stands on the target branch and may add metadata: releasing, for example.
    `prepare` may give the recipe what only a running step has, such as a process client. A change of
    `unfollowed` inputs alone makes nothing by itself: what users say moves every day, and what is expensive
    to make of it waits for a build or for a refresh within its limits.
    """

    recipe: Recipe
    tier: str
    kinds: tuple[str, ...]
    description: str
    after: Callable[[dg.AssetExecutionContext, Settings, Published], dict[str, Any]] | None = None
    prepare: Callable[[dg.AssetExecutionContext, Recipe], Recipe] | None = None
    unfollowed: tuple[str, ...] = ()

    @property
    def key(self) -> dg.AssetKey:
        """`<product>/<asset>`, which is the folder in the lake as well."""
        return dg.AssetKey([self.recipe.product, self.recipe.asset])


def build_assets(assets: Sequence[Asset], *, owner: str) -> list[dg.AssetsDefinition]:
    """One assets definition per asset."""
    return [_build(asset, owner) for asset in assets]


def _build(asset: Asset, owner: str) -> dg.AssetsDefinition:
    recipe = asset.recipe

    @dg.multi_asset(
        name=f"{recipe.product}__{recipe.asset}",
        specs=[_spec(asset, owner)],
        check_specs=[
            dg.AssetCheckSpec(
                name=check.name, asset=asset.key, description=check.description, blocking=check.blocking
            )
            for check in declared_checks(recipe)
        ],
    )
    def step(context: dg.AssetExecutionContext, headwater: Headwater) -> Iterator[Any]:
        yield from _run(context, headwater, asset)

    return step


def _spec(asset: Asset, owner: str) -> dg.AssetSpec:
    recipe = asset.recipe
    metadata: dict[str, Any] = {"lake_folder": recipe.folder}
    ignored = [dg.AssetKey([recipe.product, name]) for name in asset.unfollowed]
    main_dataset = recipe.datasets.get("")
    if main_dataset is not None:
        metadata["dagster/column_schema"] = column_schema(main_dataset)
    return dg.AssetSpec(
        key=asset.key,
        deps=[dg.AssetKey([recipe.product, name]) for name in recipe.inputs],
        description=asset.description,
        group_name=recipe.product,
        kinds=set(asset.kinds),
        owners=[owner],
        code_version=digest_json({"code": recipe.code_version, "config": recipe.config})[:16],
        tags={"headwater/tier": asset.tier},
        metadata=metadata,
        automation_condition=None if recipe.observes else refresh(*ignored),
    )


def _run(context: dg.AssetExecutionContext, headwater: Headwater, asset: Asset) -> Iterator[Any]:
    settings = headwater.settings()
    recipe = asset.prepare(context, asset.recipe) if asset.prepare else asset.recipe
    lake = settings.open_lake()

    def progress(what: str, done: int, total: int) -> None:
        context.log.info("%s: %d%s", what, done, f" of {total}" if total else "")
        log_progress(what, done, total)

    try:
        published = publish(
            lake,
            recipe,
            target=settings.branch,
            run_id=context.run.root_run_id or context.run_id,
            home=settings.home,
            progress=progress,
            metadata={
                "job": context.job_name,
                "dagster_run_id": context.run_id,
                **run_link(context.run_id),
            },
        )
    except AuditFailed as failed:
        for outcome in failed.checks:
            yield check_result(recipe, outcome)
        raise dg.Failure(
            description=str(failed),
            metadata={"branch": failed.branch, "commit": failed.commit},
            allow_retries=False,
        ) from failed
    except MissingInput as missing:
        raise dg.Failure(description=str(missing), allow_retries=False) from missing
    added = asset.after(context, settings, published) if asset.after else {}
    folder = lake.fetch(published.commit, recipe.folder) if published.record.pictures else None
    yield dg.MaterializeResult(
        asset_key=asset.key,
        data_version=dg.DataVersion(published.record.data_version),
        metadata={
            **materialization_metadata(published, folder),
            **commit_link(lake, published.commit, settings.branch),
            **added,
        },
        check_results=[check_result(recipe, outcome) for outcome in published.record.outcomes],
    )
