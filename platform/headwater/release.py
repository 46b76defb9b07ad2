"""The release: `production` takes over a product's folders at one commit of `main`, with a tag.

The decision is an asset like any other (`<product>/release/decision.json` on `main`); moving production is
the act that follows a passed one. `production` holds only what was released: each product's folder there is,
object for object, what `main` held at the commit that the release names. Only what an erasure takes out of
the inference log leaves it between releases.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock

from headwater.lake.errors import Exists, LakeError, NoChanges, NotFound
from headwater.lake.protocol import Change, Lake
from headwater.lake.recipe import Pin
from headwater.lake.records import data_version, read_record, record_path
from headwater.settings import MAIN, PRODUCTION
from headwater.tables import read_json

log = logging.getLogger("headwater")

DECISION = "decision.json"
OF_THE_LOG = ("inference", "feedback", "drift")
"""What is made of the inference log and stands in production without being part of a release."""
BASELINE = "production"


@dataclass(frozen=True)
class Release:
    """One release of a product: the commit on `production` that a tag names."""

    name: str
    product: str
    commit: str
    time: datetime
    main_commit: str
    data_version: str
    """Data version of `<product>/release/`, which contains those of every part."""


@dataclass(frozen=True)
class Promotion:
    """What became of a decision: the release that production now holds, and why it did or did not move."""

    moved: bool
    release: Release | None
    reason: str


class StaleEvaluation(LakeError):
    """The evaluation on the branch is not of what stands there."""


def releases(lake: Lake, product: str) -> list[Release]:
    """All releases of a product, oldest first."""
    found = [_release(lake, name, commit) for name, commit in lake.refs("tag", f"{product}-v").items()]
    return sorted(
        (release for release in found if release.product == product), key=lambda item: _number(item.name)
    )


def current_release(lake: Lake, product: str) -> Release | None:
    """The release that `production` holds, or None before the first one."""
    version = _production_version(lake, product)
    if version is None:
        return None
    matching = [release for release in releases(lake, product) if release.data_version == version]
    return matching[-1] if matching else None


def baseline(lake: Lake, product: str, candidate: Mapping[str, str], *, head: str) -> Mapping[str, Pin]:
    """The evaluation to compare a candidate with: that of production, or the one that `head` has fixed.

    `candidate` maps the evaluation's inputs to their data versions. When production holds this very
    candidate, the baseline is the one that it was compared with when it was released: a rebuild of what is
    released must not change its own report.
    """
    try:
        fixed = read_json(lake.fetch(head, baseline_path(product)))
        return {BASELINE: Pin(fixed["commit"], fixed["folder"])} if fixed else {}
    except NotFound:
        log.debug("%s fixes no baseline at %s", product, head)
    try:
        production = lake.resolve(PRODUCTION)
    except NotFound:
        return {}
    record = read_record(lake, production, product, "evaluation")
    if record is None:
        return {}
    released = {name: entry["data_version"] for name, entry in record.upstream.items() if name != BASELINE}
    if released != dict(candidate):
        return {BASELINE: Pin(production, f"{product}/evaluation/")}
    before = record.upstream.get(BASELINE)
    return {BASELINE: Pin(before["commit"], before["folder"])} if before else {}


def baseline_path(product: str) -> str:
    """Where a branch that makes an old release again fixes its baseline: an object with commit and folder."""
    return f"_meta/{product}/baseline.json"


def judged_baseline(lake: Lake, head: str, product: str, candidate: Mapping[str, str]) -> Mapping[str, Pin]:
    """The baseline with which the evaluation at `head` was made: the gate judges the same pair.

    Raises `StaleEvaluation` when what would be released is not what was evaluated.
    """
    record = read_record(lake, head, product, "evaluation")
    if record is None:
        return {}
    moved = [
        name
        for name, entry in record.upstream.items()
        if name in candidate and entry["data_version"] != candidate[name]
    ]
    if moved:
        raise StaleEvaluation(
            f"the evaluation of {product} judged another version of {', '.join(moved)}: "
            f"build it again (headwater build {product})"
        )
    entry = record.upstream.get(BASELINE)
    return {BASELINE: Pin(entry["commit"], entry["folder"])} if entry else {}


def promote(lake: Lake, product: str, *, commit: str, home: Path, metadata: Mapping[str, str]) -> Promotion:
    """Move `production` to what `main` holds of a product at `commit`, if the decision there passed.

    Safe to repeat: a release that was made stays the only one of its kind, also when it was rolled back
    since (its parts are not released again under another decision either), and a promotion that was killed
    between its commit and its tag is completed.
    """
    decision: Mapping[str, Any] = read_json(lake.fetch(commit, f"{product}/release/{DECISION}"))
    if not decision["passed"]:
        failed = [entry["name"] for entry in decision["conditions"] if not entry["passed"]]
        return Promotion(False, current_release(lake, product), f"gate refused: {', '.join(failed)}")
    version = data_version(lake, commit, f"{product}/release/")
    (home / "locks").mkdir(parents=True, exist_ok=True)
    with FileLock(home / "locks" / f"{PRODUCTION}-{product}.lock"):
        before = next((item for item in releases(lake, product) if item.data_version == version), None)
        if before is not None:
            return Promotion(False, current_release(lake, product), f"already released as {before.name}")
        undone = _rolled_back(lake, product, decision["parts"])
        if undone is not None:
            return Promotion(
                False, current_release(lake, product), f"{undone.name}, the same, was rolled back"
            )
        _ensure_production(lake)
        if _production_version(lake, product) != version:
            _adopt(lake, product, commit, {**metadata, "data_version": str(version)})
        release = _tag(lake, product)
    log.info("%s released as %s", product, release.name)
    return Promotion(True, release, "gate passed")


def renew_log(lake: Lake, product: str, *, commit: str, home: Path, metadata: Mapping[str, str]) -> bool:
    """Give `production` the product's log, and what is made of it, as `commit` has them; whether it moved.

    The release stays the same, because these are no parts of one.
    """
    if _production_version(lake, product) is None:
        return False
    (home / "locks").mkdir(parents=True, exist_ok=True)
    details = {**metadata, "product": product, "main_commit": commit}
    with FileLock(home / "locks" / f"{PRODUCTION}-{product}.lock"):
        try:
            with lake.change(PRODUCTION, f"Renew the log of {product}", details) as change:
                keep_log(lake, change, product, commit, otherwise=lake.resolve(PRODUCTION))
        except NoChanges:
            return False
    return True


def keep_log(lake: Lake, change: Change, product: str, commit: str, *, otherwise: str) -> None:
    """Make the product's log, and what is made of it, in a change what they are at a commit.

    Without this, the change gives it what they are at the commit `otherwise`. What is equal there is left
    alone: lakeFS can take folders over without copying an object only as long as nothing else is written.
    """
    for asset in OF_THE_LOG:
        record = record_path(product, asset)
        prefixes = (f"{product}/{asset}/", record)
        if not any(True for prefix in prefixes for _ in lake.diff(otherwise, commit, prefix)):
            continue
        change.adopt(f"{product}/{asset}/", commit)
        if read_record(lake, commit, product, asset) is None:
            change.delete(record)
        else:
            change.put(record, lake.fetch(commit, record))


def _rolled_back(lake: Lake, product: str, parts: Mapping[str, str]) -> Release | None:
    """The release of the same parts that production was moved back from.

    After a rollback the evaluation may compare with another baseline, so the decision is a new one while
    what it is about is not; the evaluation itself is therefore no part here.
    """
    current = current_release(lake, product)
    if current is None:
        return None
    for release in reversed(releases(lake, product)):
        if _number(release.name) <= _number(current.name):
            break
        decision = read_json(lake.fetch(release.commit, f"{product}/release/{DECISION}"))
        if _judged(decision["parts"]) == _judged(parts):
            return release
    return None


def _judged(parts: Mapping[str, str]) -> dict[str, str]:
    return {name: version for name, version in parts.items() if name != "evaluation"}


def _adopt(lake: Lake, product: str, commit: str, metadata: Mapping[str, str]) -> None:
    details = {**metadata, "product": product, "main_commit": commit}
    try:
        with lake.change(PRODUCTION, f"Release {product}", details) as change:
            change.adopt(f"{product}/", commit)
            change.adopt(f"_meta/{product}/", commit)
    except NoChanges:
        log.info("production holds %s at %s already", product, commit)


def _ensure_production(lake: Lake) -> None:
    """Begin `production` at the root of history, so that it never holds what was not released."""
    try:
        lake.resolve(PRODUCTION)
    except NotFound:
        root = root_commit(lake)
        try:
            lake.create_branch(PRODUCTION, root)
        except Exists:
            log.info("another process created %s", PRODUCTION)


def _tag(lake: Lake, product: str) -> Release:
    production = next(commit.id for commit in lake.log(PRODUCTION, prefix=f"{product}/release/", limit=1))
    number = max((_number(item.name) for item in releases(lake, product)), default=0) + 1
    name = f"{product}-v{number}"
    lake.tag(name, production)
    return _release(lake, name, production)


def _release(lake: Lake, name: str, commit: str) -> Release:
    entry = next(lake.log(commit, limit=1))
    return Release(
        name=name,
        product=entry.metadata.get("product", ""),
        commit=entry.id,
        time=entry.time,
        main_commit=entry.metadata.get("main_commit", ""),
        data_version=entry.metadata.get("data_version", ""),
    )


def _production_version(lake: Lake, product: str) -> str | None:
    try:
        production = lake.resolve(PRODUCTION)
    except NotFound:
        return None
    return data_version(lake, production, f"{product}/release/")


def _number(name: str) -> int:
    suffix = name.rpartition("-v")[2]
    return int(suffix) if suffix.isdecimal() else 0


def root_commit(lake: Lake) -> str:
    """The empty commit with which the history of `main` begins."""
    last = ""
    for commit in lake.log(MAIN):
        last = commit.id
    return last
