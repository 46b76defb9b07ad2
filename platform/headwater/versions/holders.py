"""Which commits of the past still hold what was erased, and which payloads that is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from headwater.lake.erasing import Place
from headwater.lake.errors import Gone
from headwater.lake.protocol import Commit, Lake, Object, RefKind
from headwater.lake.records import read_record
from headwater.release import OF_THE_LOG, releases
from headwater.settings import PRODUCTION
from headwater.versions.traces import READ_AS_TEXT, Scanner, objects

_READABLE = READ_AS_TEXT | {".parquet", ".arrow"}
_OF_THE_LOG = ("feedback", "drift")
"""Assets made of the inference log: they and their records quote it without saying whom."""
_LEAD_TO_OTHERS = ("chunks", "feedback", "inference")
"""What holds the ids by which traces in other assets are found, in the order in which it may go."""


@dataclass(frozen=True)
class Holder:
    """A commit that holds it: in which assets, and which branches and tags stand at it."""

    commit: str
    time: str
    run_id: str
    refs: tuple[str, ...]
    assets: tuple[str, ...]


@dataclass(frozen=True)
class Past:
    """The holders, newest first, and the payloads: digest -> one commit and path that it stands at.

    `branches` hold it at their head.
    """

    holders: tuple[Holder, ...]
    payloads: dict[str, Place]
    branches: tuple[str, ...]

    @property
    def stages(self) -> Iterator[list[str]]:
        """The payloads in an order in which they may be deleted, also when that is cut short: what tells
        where others are goes after them."""
        stages: list[list[str]] = [[] for _ in range(len(_LEAD_TO_OTHERS) + 2)]
        for digest, (_, path) in self.payloads.items():
            asset = _asset(path)
            opaque = PurePosixPath(path).suffix not in _READABLE
            place = _LEAD_TO_OTHERS.index(asset) + 2 if asset in _LEAD_TO_OTHERS else int(not opaque)
            stages[place].append(digest)
        return filter(None, stages)


def past(lake: Lake, scanner: Scanner) -> Past:
    """Look through every commit that a branch or tag leads to; each payload is read once.

    What cannot be looked into (vectors, weights, pictures), and what is made of the inference log, counts as
    holding it when an input that it was made from does.
    """
    refs = _refs(lake)
    held: dict[str, tuple[Object, ...]] = {}
    holders: list[tuple[Commit, Holder]] = []
    for tip in sorted(refs):
        changed = {commit.id for commit in _changing(lake, tip, scanner.product)}
        for commit in reversed(list(lake.log(tip))):
            if commit.id in held:
                continue
            # What did not change the product holds what its first parent holds.
            inherits = commit.parents and commit.id not in changed
            held[commit.id] = held[commit.parents[0]] if inherits else tuple(_held(lake, scanner, commit.id))
            if held[commit.id]:
                holders.append((commit, _holder(commit, held[commit.id], refs)))
    holders.sort(key=lambda pair: (pair[0].time, pair[0].id), reverse=True)
    payloads = {item.digest: (commit, item.path) for commit, items in held.items() for item in items}
    branches = sorted(name for name, tip in lake.refs("branch").items() if held.get(tip))
    return Past(tuple(holder for _, holder in holders), payloads, tuple(branches))


def product_commits(lake: Lake, product: str) -> list[str]:
    """Every commit that changed the product and that a branch or tag leads to."""
    found = {commit.id for tip in _refs(lake) for commit in _changing(lake, tip, product)}
    return sorted(found)


def in_production(lake: Lake, scanner: Scanner) -> bool:
    """Whether `production` holds it."""
    names = lake.refs("branch")
    return PRODUCTION in names and any(_held(lake, scanner, names[PRODUCTION]))


def released_in(lake: Lake, scanner: Scanner) -> dict[str, list[str]]:
    """For every release of the product its assets that hold it, or that lack bytes which were swept; but for
    the log and what is made of it, which are no parts of a release."""
    found: dict[str, list[str]] = {}
    for release in releases(lake, scanner.product):
        held = {_asset(item.path) for item in _held(lake, scanner, release.commit)}
        lost = (
            item for item in objects(lake, release.commit, scanner.product) if item.digest in scanner.gone
        )
        found[release.name] = sorted((held | {_asset(item.path) for item in lost}).difference(OF_THE_LOG))
    return found


def _refs(lake: Lake) -> dict[str, list[str]]:
    """Names of branches and tags by the commit they stand at."""
    found: dict[str, list[str]] = {}
    kinds: tuple[RefKind, ...] = ("branch", "tag")
    for kind in kinds:
        for name, commit in lake.refs(kind).items():
            found.setdefault(commit, []).append(name)
    return found


def _changing(lake: Lake, tip: str, product: str) -> Iterator[Commit]:
    """Commits that changed the product's objects or records against their first parent."""
    yield from lake.log(tip, prefix=f"{product}/")
    yield from lake.log(tip, prefix=f"_meta/{product}/")


def _held(lake: Lake, scanner: Scanner, commit: str) -> Iterator[Object]:
    tainted: dict[str, bool] = {}
    for item in objects(lake, commit, scanner.product):
        if scanner.count(commit, item):
            yield item
        elif (asset := _asset(item.path)) in _OF_THE_LOG or (
            PurePosixPath(item.path).suffix not in _READABLE and not item.path.startswith("_meta/")
        ):
            if asset not in tainted:
                tainted[asset] = asset != "raw" and _inputs_hold(lake, scanner, commit, asset)
            if tainted[asset] and _there(lake, commit, item.path):
                yield item


def _inputs_hold(lake: Lake, scanner: Scanner, commit: str, asset: str) -> bool:
    record = read_record(lake, commit, scanner.product, asset)
    if record is None:
        return False
    return any(
        scanner.count(entry["commit"], item)
        for entry in record.upstream.values()
        for item in lake.list(entry["commit"], entry["folder"])
    )


def _there(lake: Lake, commit: str, path: str) -> bool:
    try:
        lake.fetch(commit, path)
    except Gone:
        return False
    return True


def _holder(commit: Commit, held: Sequence[Object], refs: dict[str, list[str]]) -> Holder:
    assets = {_asset(item.path) for item in held}
    return Holder(
        commit=commit.id,
        time=commit.time.isoformat(timespec="seconds"),
        run_id=commit.metadata.get("run_id", ""),
        refs=tuple(sorted(refs.get(commit.id, ()))),
        assets=tuple(sorted(assets)),
    )


def _asset(path: str) -> str:
    """The asset of an object or of a record."""
    return path.removeprefix("_meta/").split("/")[1].removesuffix(".json")
