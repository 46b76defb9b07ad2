"""When an asset is made without being asked: when an input holds other data than it was last made from.

Dagster's own `eager()` reacts to events between two ticks. It fires on materializations that changed no data,
and it loses an input's change that lands in the same tick as the end of the asset's own run. The condition
here looks at states instead: the data versions that the asset consumed, and those that its inputs have now.
"""

from __future__ import annotations

from collections.abc import Collection

import dagster as dg

DATA_VERSION = "dagster/data_version"
CONSUMED = "dagster/input_data_version/"


class InputsMoved(dg.AutomationCondition[dg.AssetKey]):
    """True while some input's data version differs from the one in the asset's last materialization.

    An asset that was never made counts as moved once every input exists. Inputs that are `ignored` may move.
    """

    def __init__(self, ignored: Collection[dg.AssetKey] = ()) -> None:
        self._ignored = frozenset(ignored)

    @property
    def name(self) -> str:
        """What the UI calls the condition."""
        names = ", ".join(sorted(key.to_user_string() for key in self._ignored))
        return f"an input other than {names} holds other data" if names else "an input holds other data"

    def evaluate(self, context: dg.AutomationContext[dg.AssetKey]) -> dg.AutomationResult[dg.AssetKey]:
        """Compare the tags of the latest materializations."""
        parents = context.asset_graph.get(context.key).parent_keys
        moved = bool(parents) and self._moved(context.asset_graph_view.instance, context.key, parents)
        subset = context.candidate_subset if moved else context.get_empty_subset()
        return dg.AutomationResult(context, true_subset=subset)

    def _moved(self, instance: dg.DagsterInstance, key: dg.AssetKey, parents: set[dg.AssetKey]) -> bool:
        own = _tags(instance, key)
        now = {parent: _tags(instance, parent) for parent in parents}
        if any(tags is None for tags in now.values()):
            return False
        return own is None or any(
            tags is not None and tags.get(DATA_VERSION) != own.get(CONSUMED + parent.to_user_string())
            for parent, tags in now.items()
            if parent not in self._ignored
        )


def _tags(instance: dg.DagsterInstance, key: dg.AssetKey) -> dict[str, str] | None:
    event = instance.get_latest_materialization_event(key)
    if event is None or event.asset_materialization is None:
        return None
    return dict(event.asset_materialization.tags or {})


FAILED = dg.AutomationCondition.execution_failed()


def refresh(*ignored: dg.AssetKey) -> dg.AutomationCondition[dg.AssetKey]:
    """Make what is behind its inputs, and what follows it in the same run.

    After a failure once more, then only when an input changes again. A change of `ignored` inputs alone
    makes nothing.
    """
    selection = dg.AssetSelection.assets(*ignored)
    requested = dg.AutomationCondition.any_deps_match(dg.AutomationCondition.will_be_requested())
    changed = dg.AutomationCondition.any_deps_match(dg.AutomationCondition.data_version_changed())
    if ignored:
        requested, changed = requested.ignore(selection), changed.ignore(selection)
    return (
        (InputsMoved(ignored) | requested)
        & ~dg.AutomationCondition.any_deps_missing()
        & ~dg.AutomationCondition.any_deps_in_progress()
        & ~dg.AutomationCondition.in_progress()
        & dg.AutomationCondition.all_deps_blocking_checks_passed()
        & (~FAILED | FAILED.newly_true() | changed)
    )


REFRESH = refresh()
"""The condition of an asset that follows each of its inputs."""
