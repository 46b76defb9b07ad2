"""The sensor on the lake: what was committed or merged from outside reaches Dagster, and what follows.

Another machine's build, a promotion, a revert or a person's commit moves the target branch without a run of
this instance. The sensor looks at the head; where an asset holds other data than Dagster last heard of, it
reports the asset with its new data version, and the automation makes what is behind.
"""

from collections.abc import Iterable, Iterator

import dagster as dg

from headwater.components.automation import CONSUMED, DATA_VERSION
from headwater.components.links import commit_link
from headwater.components.resource import Headwater
from headwater.lake.protocol import Lake
from headwater.lake.records import Record, data_version, read_record
from headwater.workspace import CheckOutcome

NAME = "what_others_published"
SECONDS = 30


def lake_sensor() -> dg.SensorDefinition:
    """The sensor; its cursor is the commit that it last looked at."""

    @dg.sensor(
        name=NAME,
        minimum_interval_seconds=SECONDS,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Reports assets whose data changed on the target branch without a run of this instance.",
    )
    def sensor(context: dg.SensorEvaluationContext, headwater: Headwater) -> dg.SensorResult | dg.SkipReason:
        settings = headwater.settings()
        lake = settings.open_lake()
        head = lake.resolve(settings.branch)
        if head == context.cursor:
            return dg.SkipReason(f"{settings.branch} still stands at {head[:12]}")
        assert context.repository_def is not None
        keys = context.repository_def.asset_graph.materializable_asset_keys
        events = list(_unknown(lake, head, settings.branch, sorted(keys), context.instance))
        changed = sum(isinstance(event, dg.AssetMaterialization) for event in events)
        context.log.info("%s moved to %s: %d assets changed elsewhere", settings.branch, head, changed)
        return dg.SensorResult(asset_events=events, cursor=head)

    return sensor


def _unknown(
    lake: Lake, head: str, branch: str, keys: Iterable[dg.AssetKey], instance: dg.DagsterInstance
) -> Iterator[dg.AssetMaterialization | dg.AssetCheckEvaluation]:
    """Assets that hold other data than their last materialization says, and the audits that this data passed.

    Never built ones are left out. Data that its record does not vouch for comes without audits, so that
    nothing is made of it until the asset is built again.
    """
    for key in keys:
        if len(key.path) != 2:
            continue
        product, asset = key.path
        version = data_version(lake, head, f"{product}/{asset}/")
        if version is None:
            continue
        known = instance.get_latest_materialization_event(key)
        told = known.asset_materialization.tags if known and known.asset_materialization else None
        if (told or {}).get(DATA_VERSION) != version:
            record = read_record(lake, head, product, asset)
            yield _event(lake, key, head, branch, version, record)
            if record is not None and record.data_version == version:
                yield from (_audit(key, outcome) for outcome in record.outcomes)


def _audit(key: dg.AssetKey, outcome: CheckOutcome) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(
        asset_key=key,
        check_name=outcome.name,
        passed=outcome.passed,
        severity=dg.AssetCheckSeverity.ERROR if outcome.severity == "error" else dg.AssetCheckSeverity.WARN,
        description=outcome.description,
    )


def _event(
    lake: Lake, key: dg.AssetKey, head: str, branch: str, version: str, record: Record | None
) -> dg.AssetMaterialization:
    """Not an observation: the automation and the UI take an asset's data version from materializations."""
    consumed = {
        CONSUMED + f"{key.path[0]}/{name}": entry["data_version"]
        for name, entry in (record.upstream.items() if record else ())
        if entry["folder"] == f"{key.path[0]}/{name}/"
    }
    return dg.AssetMaterialization(
        asset_key=key,
        description=f"Changed on {branch} without a run of this instance",
        metadata={
            "branch": branch,
            "commit": head,
            "outcome": "observed",
            **({"dagster/row_count": record.rows} if record else {}),
            **commit_link(lake, head, branch),
        },
        tags={DATA_VERSION: version, **consumed},
    )
