"""What differs between two versions, asset by asset: rows, columns, metrics, configuration, size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from headwater.evaluate.metrics import METRICS
from headwater.lake.protocol import Lake, Object
from headwater.lake.records import Record, read_record
from headwater.versions.branches import asset_of
from headwater.versions.rows import RowChanges, compare_rows, datasets

SAMPLES = 3
Direction = Literal["better", "worse", "changed"]


@dataclass(frozen=True)
class MetricChange:
    """A metric on both sides. `direction` is `changed` where no way is the better one, or a side lacks it."""

    name: str
    left: float | None
    right: float | None
    direction: Direction


@dataclass(frozen=True)
class AssetChange:
    """How one asset differs on the right side from the left.

    `why` says what differs in how it was made: inputs, configuration, code, libraries. `bytes` are of the
    whole asset on each side, `new_bytes` of the payloads that the left side does not have.
    """

    product: str
    asset: str
    kind: Literal["added", "removed", "changed", "record only"]
    rows: tuple[RowChanges, ...]
    metrics: tuple[MetricChange, ...]
    why: tuple[str, ...]
    bytes: tuple[int, int]
    new_bytes: int
    objects: tuple[int, int]


@dataclass(frozen=True)
class Comparison:
    """Two refs, the commits that they were, and the assets that differ."""

    left: str
    right: str
    left_commit: str
    right_commit: str
    assets: tuple[AssetChange, ...]


def compare(lake: Lake, left: str, right: str, *, product: str = "", samples: int = SAMPLES) -> Comparison:
    """Compare two refs. Reads only objects whose digests differ. Raises `NotFound` for an unknown ref."""
    commits = lake.resolve(left), lake.resolve(right)
    names = sorted({asset_of(change.path) for change in lake.diff(*commits)})
    wanted = [name for name in names if not product or name.startswith(f"{product}/")]
    assets = tuple(change for name in wanted for change in _asset(lake, commits, name, samples))
    return Comparison(left, right, *commits, assets)


def _asset(lake: Lake, commits: tuple[str, str], name: str, samples: int) -> Iterator[AssetChange]:
    product, _, asset = name.partition("/")
    old, new = (list(lake.list(commit, f"{name}/")) for commit in commits)
    if not old and not new:
        return
    records = read_record(lake, commits[0], product, asset), read_record(lake, commits[1], product, asset)
    had = {item.digest for item in old}
    yield AssetChange(
        product=product,
        asset=asset,
        kind=_kind(old, new),
        rows=tuple(_rows(lake, commits, old, new, samples)),
        metrics=metric_changes(*records),
        why=tuple(differences(*records)),
        bytes=(sum(item.size for item in old), sum(item.size for item in new)),
        new_bytes=sum({item.digest: item.size for item in new if item.digest not in had}.values()),
        objects=(len(old), len(new)),
    )


def _kind(old: list[Object], new: list[Object]) -> Literal["added", "removed", "changed", "record only"]:
    if not old:
        return "added"
    if not new:
        return "removed"
    same = {(item.path, item.digest) for item in old} == {(item.path, item.digest) for item in new}
    return "record only" if same else "changed"


def _rows(
    lake: Lake, commits: tuple[str, str], old: list[Object], new: list[Object], samples: int
) -> Iterator[RowChanges]:
    before, after = datasets(old), datasets(new)
    for folder in sorted({*before, *after}):
        sides = before.get(folder, []), after.get(folder, [])
        if [item.digest for item in sides[0]] != [item.digest for item in sides[1]]:
            yield compare_rows(lake, folder, (commits[0], sides[0]), (commits[1], sides[1]), samples)


def metric_changes(left: Record | None, right: Record | None) -> tuple[MetricChange, ...]:
    """The metrics whose values differ, in their order."""
    old: Mapping[str, float] = left.metrics if left else {}
    new: Mapping[str, float] = right.metrics if right else {}
    found: list[MetricChange] = []
    for name in dict.fromkeys([*old, *new]):
        before, after = old.get(name), new.get(name)
        if before != after:
            found.append(MetricChange(name, before, after, direction(name, before, after)))
    return tuple(found)


def direction(name: str, left: float | None, right: float | None) -> Direction:
    """Whether a metric got better or worse; `changed` where that has no meaning."""
    metric = METRICS.get(name)
    if metric is None or left is None or right is None or left == right:
        return "changed"
    return "better" if (right > left) == metric.higher_is_better else "worse"


def differences(left: Record | None, right: Record | None) -> Iterator[str]:
    """In words, what differs in how an asset was made."""
    if left is None or right is None:
        return
    inputs = [
        name
        for name in sorted({*left.upstream, *right.upstream})
        if _version(left, name) != _version(right, name)
    ]
    if inputs:
        yield f"inputs: {', '.join(inputs)}"
    fields = sorted(_changed(left.config, right.config))
    if fields:
        yield f"configuration: {', '.join(fields)}"
    if left.code_version != right.code_version:
        yield f"code: {left.code_version[:8]} -> {right.code_version[:8]}"
    for library in sorted(_changed(left.libraries, right.libraries)):
        yield f"{library}: {left.libraries.get(library, 'none')} -> {right.libraries.get(library, 'none')}"


def _version(record: Record, name: str) -> str:
    return record.upstream.get(name, {}).get("data_version", "")


def _changed(left: Mapping[str, Any], right: Mapping[str, Any]) -> Iterator[str]:
    for name in {*left, *right}:
        if left.get(name) == right.get(name):
            continue
        if isinstance(left.get(name), dict) and isinstance(right.get(name), dict):
            yield from (f"{name}.{inner}" for inner in _changed(left[name], right[name]))
        else:
            yield name
