"""Publish: the only way into the lake.

branch -> write -> audit -> commit -> merge. An asset stands on the target branch only when its audit
passed; a failed one keeps its branch for inspection and the target has not moved.

Whether an asset must be made is decided by its *input key*: the digest of the data versions of its inputs,
its configuration, its code and the libraries that shape its output. The key of what is published stands in
its record, `_meta/<product>/<asset>.json`, beside the data.
"""

from __future__ import annotations

import logging
import resource
import shutil
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout

from headwater import __version__
from headwater.fingerprint import (
    canonical_json,
    digest_folder,
    digest_json,
    library_versions,
)
from headwater.lake.errors import Conflict, Exists, LakeError, NoChanges, NotFound
from headwater.lake.protocol import Lake, Object
from headwater.lake.recipe import Pin, Recipe, declared_checks, run_branch
from headwater.lake.records import RECORD_SCHEMA, Record, data_version, read_record, record_bytes, record_path
from headwater.workspace import CheckOutcome, Produced, Progress, Workspace, log_progress

log = logging.getLogger("headwater")


@dataclass(frozen=True)
class Cost:
    """What a step took: wall seconds, CPU seconds of it and its finished children, peak memory in MiB.

    Peak memory is that of the process (or of its largest child) so far, as the kernel counts it.
    """

    seconds: float
    cpu_seconds: float
    peak_mib: float


@dataclass(frozen=True)
class Published:
    """The end of a publish. `commit` is a commit of the target branch at which the asset stands."""

    outcome: Literal["published", "unchanged"]
    record: Record
    commit: str
    target: str
    cost: Cost


class MissingInput(LakeError):
    """An input was never published on the target branch."""


class AuditFailed(LakeError):
    """An audit failed: nothing was published; `branch` and `commit` hold what was refused."""

    def __init__(self, recipe: Recipe, branch: str, commit: str, checks: tuple[CheckOutcome, ...]) -> None:
        self.branch = branch
        self.commit = commit
        self.checks = checks
        failed = ", ".join(check.name for check in checks if _blocks(check))
        super().__init__(
            f"{recipe.product}/{recipe.asset} was not published: {failed} failed. What was made stands on "
            f"branch {branch} at {commit}."
        )


def publish(
    lake: Lake,
    recipe: Recipe,
    *,
    target: str,
    run_id: str,
    home: Path,
    progress: Progress = log_progress,
    metadata: Mapping[str, str] | None = None,
) -> Published:
    """Make an asset if its input key changed, audit it, and publish it on `target`.

    Returns the record and the commit. A second process that publishes the same asset to the same branch
    from the same `home` waits for the first and then finds its work done.

    Raises `MissingInput` when an input is not on the target branch, `AuditFailed` when a blocking check
    failed, `Conflict` when another writer changed the asset twice while this one was being merged, and
    whatever the maker raises.
    """
    started, cpu = time.perf_counter(), _cpu_seconds()
    with _asset_lock(home, target, recipe):
        attempt = _Attempt(lake, recipe, target, run_id, home, progress, dict(metadata or {}))
        outcome, record, commit = attempt.run()
    cost = Cost(time.perf_counter() - started, _cpu_seconds() - cpu, _peak_mib())
    log.info(
        "%s/%s: %s, %s rows, %.1f s", recipe.product, recipe.asset, outcome, f"{record.rows:,}", cost.seconds
    )
    return Published(outcome, record, commit, target, cost)


class _Attempt:
    """One publish, with its inputs pinned at the head that the target had when it began."""

    def __init__(
        self,
        lake: Lake,
        recipe: Recipe,
        target: str,
        run_id: str,
        home: Path,
        progress: Progress,
        metadata: dict[str, str],
    ) -> None:
        self.lake, self.recipe, self.target, self.home = lake, recipe, target, home
        self.progress, self.metadata = progress, metadata
        self.run_id = run_id
        self.head = lake.resolve(target)
        self.pins = {name: Pin(self.head, f"{recipe.product}/{name}/") for name in recipe.inputs}
        self.upstream = {name: self._input(name, pin) for name, pin in self.pins.items()}
        if recipe.pins is not None:
            versions = {name: entry["data_version"] for name, entry in self.upstream.items()}
            further = recipe.pins(lake, self.head, versions)
            self.pins.update(further)
            self.upstream.update({name: self._input(name, pin) for name, pin in further.items()})
        self.libraries = library_versions(*recipe.libraries)
        self.key = digest_json(
            {
                "asset": recipe.asset,
                "inputs": {name: entry["data_version"] for name, entry in self.upstream.items()},
                "config": recipe.config,
                "code": recipe.code_version,
                "libraries": self.libraries,
            }
        )
        self.branch = run_branch(run_id, recipe)

    def run(self) -> tuple[Literal["published", "unchanged"], Record, str]:
        recipe, lake = self.recipe, self.lake
        current = read_record(lake, self.head, recipe.product, recipe.asset)
        published = data_version(lake, self.head, recipe.folder)
        if (
            not recipe.observes
            and current is not None
            and current.input_key == self.key
            and current.data_version == published
        ):
            return "unchanged", current, self.head
        staged = self._staged()
        if staged is None:
            staged = self._make(current, published)
            if staged is None and current is not None:
                return "unchanged", current, self.head
        assert staged is not None
        record, commit = staged
        if any(_blocks(check) for check in record.outcomes):
            raise AuditFailed(recipe, self.branch, commit, record.outcomes)
        merged = self._merge(commit)
        shutil.rmtree(self._scratch, ignore_errors=True)
        return ("unchanged" if record.data_version == published else "published"), record, merged

    @property
    def _scratch(self) -> Path:
        return self.home / "scratch" / f"{self.recipe.product}-{self.recipe.asset}-{self.key[:16]}"

    def _input(self, name: str, pin: Pin) -> dict[str, str]:
        version = data_version(self.lake, pin.commit, pin.folder)
        if version is None:
            raise MissingInput(
                f"{self.recipe.product}/{self.recipe.asset} reads {pin.folder}, which was never published on "
                f"{self.target}: build it first (headwater build {self.recipe.product} --select {name})"
            )
        return {"data_version": version, "commit": pin.commit, "folder": pin.folder}

    def _staged(self) -> tuple[Record, str] | None:
        """What an earlier attempt of this very run left committed on its branch, if its key still holds."""
        try:
            commit = self.lake.resolve(self.branch)
        except NotFound:
            self._create_branch()
            return None
        record = read_record(self.lake, commit, self.recipe.product, self.recipe.asset)
        fits = record is not None and record.input_key == self.key and commit != self.head
        if record is not None and fits and not any(_blocks(check) for check in record.outcomes):
            log.info("continuing branch %s of an earlier attempt", self.branch)
            return record, commit
        self.lake.delete_branch(self.branch)
        self._create_branch()
        return None

    def _create_branch(self) -> None:
        try:
            self.lake.create_branch(self.branch, self.head)
        except Exists:
            log.info("branch %s exists already", self.branch)

    def _make(self, current: Record | None, published: str | None) -> tuple[Record, str] | None:
        """Run the maker, audit, and commit on the run's branch. None if nothing at all changed."""
        recipe = self.recipe
        out = self._scratch / "out"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        work, cache = self._scratch / "work", self.home / "cache"
        work.mkdir(exist_ok=True)
        cache.mkdir(parents=True, exist_ok=True)
        produced = recipe.maker(
            Workspace(
                out=out,
                inputs={name: self.lake.fetch(pin.commit, pin.folder) for name, pin in self.pins.items()},
                previous=self.lake.fetch(self.head, recipe.folder) if published is not None else None,
                cache=cache,
                scratch=work,
                progress=self.progress,
                versions={name: entry["data_version"] for name, entry in self.upstream.items()},
            )
        )
        checks = (*self._audit(out), *produced.checks)
        self._refuse_undeclared(checks)
        pictures = {name: path.relative_to(out).as_posix() for name, path in produced.pictures.items()}
        message = f"{recipe.product}/{recipe.asset}: {produced.rows:,} rows"
        try:
            with self.lake.change(self.branch, message, self._metadata(produced, checks)) as change:
                objects = change.put_folder(recipe.folder, out, move=True)
                record = self._record(produced, checks, pictures, objects)
                known = current is not None and current.input_key == self.key
                if known and published == record.data_version:
                    raise NoChanges(f"{recipe.folder} is at {self.target} what was made")
                change.put(record_path(recipe.product, recipe.asset), record_bytes(record))
        except NoChanges:
            self.lake.delete_branch(self.branch)
            shutil.rmtree(self._scratch, ignore_errors=True)
            return None
        assert change.commit is not None
        return record, change.commit.id

    def _audit(self, out: Path) -> tuple[CheckOutcome, ...]:
        return tuple(dataset.audit(out / folder) for folder, dataset in self.recipe.datasets.items())

    def _refuse_undeclared(self, checks: tuple[CheckOutcome, ...]) -> None:
        declared = {check.name for check in declared_checks(self.recipe)}
        reported = {check.name for check in checks}
        if declared != reported:
            raise LakeError(
                f"{self.recipe.product}/{self.recipe.asset} declares the checks {sorted(declared)} but "
                f"reported {sorted(reported)}"
            )

    def _record(
        self,
        produced: Produced,
        checks: tuple[CheckOutcome, ...],
        pictures: Mapping[str, str],
        objects: Sequence[Object],
    ) -> Record:
        prefix = len(self.recipe.folder)
        return Record(
            product=self.recipe.product,
            asset=self.recipe.asset,
            input_key=self.key,
            data_version=digest_folder((item.path[prefix:], item.digest, item.size) for item in objects),
            code_version=self.recipe.code_version,
            config=dict(self.recipe.config),
            libraries=self.libraries,
            upstream=self.upstream,
            rows=produced.rows,
            objects=len(objects),
            bytes=sum(item.size for item in objects),
            metrics=dict(produced.metrics),
            refused=dict(produced.refused),
            tables={name: list(rows) for name, rows in produced.tables.items()},
            text=dict(produced.text),
            pictures=dict(pictures),
            checks=[{**asdict(check), "failures": list(check.failures)} for check in checks],
        )

    def _metadata(self, produced: Produced, checks: tuple[CheckOutcome, ...]) -> dict[str, str]:
        return {
            **self.metadata,
            "schema": str(RECORD_SCHEMA),
            "product": self.recipe.product,
            "asset": self.recipe.asset,
            "run_id": self.run_id,
            "code_version": self.recipe.code_version,
            "config_digest": digest_json(self.recipe.config),
            "input_key": self.key,
            "upstream": canonical_json({name: entry["commit"] for name, entry in self.upstream.items()}),
            "base": self.head,
            "rows": str(produced.rows),
            "checks": canonical_json({check.name: check.passed for check in checks}),
            "tool": f"headwater {__version__}",
        }

    def _merge(self, commit: str) -> str:
        """Merge the run's branch; on a conflict once more, from the head that the target has by then."""
        message = f"Publish {self.recipe.product}/{self.recipe.asset}"
        metadata = {
            **self.metadata,
            "run_id": self.run_id,
            "asset": self.recipe.asset,
            "product": self.recipe.product,
            "source_commit": commit,
        }
        try:
            merged = self.lake.merge(self.branch, self.target, message, metadata)
        except NoChanges:
            merged = self.lake.resolve(self.target)
        except Conflict:
            merged = self._merge_over(commit, message, metadata)
        self.lake.delete_branch(self.branch)
        return merged

    def _merge_over(self, commit: str, message: str, metadata: Mapping[str, str]) -> str:
        head = self.lake.resolve(self.target)
        log.warning(
            "%s was published by somebody else at %s while this run made its own: publishing over it",
            self.recipe.folder,
            head,
        )
        self.lake.delete_branch(self.branch)
        self.lake.create_branch(self.branch, head)
        record = record_path(self.recipe.product, self.recipe.asset)
        try:
            with self.lake.change(self.branch, message, metadata) as change:
                change.adopt(self.recipe.folder, commit)
                change.put(record, self.lake.fetch(commit, record))
        except NoChanges:
            return head
        return self.lake.merge(self.branch, self.target, message, metadata)


def _blocks(check: CheckOutcome) -> bool:
    return not check.passed and check.severity == "error"


@contextmanager
def _asset_lock(home: Path, target: str, recipe: Recipe) -> Generator[None]:
    folder = home / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f"{target}-{recipe.product}-{recipe.asset}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.warning("%s/%s is being made by another process: waiting for it", recipe.product, recipe.asset)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _cpu_seconds() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _peak_mib() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return max(own.ru_maxrss, children.ru_maxrss) / 1024
