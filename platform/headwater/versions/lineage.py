"""Where an asset comes from: the commits and runs that made it and its inputs, back to raw digests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow.parquet as pq

from headwater.lake.errors import NotFound
from headwater.lake.protocol import Commit, Lake
from headwater.lake.records import Record, data_version, read_record
from headwater.release import BASELINE

MAX_RAW_FILES = 10_000


@dataclass(frozen=True)
class Node:
    """One version of an asset. `commit` published it and names the run that made it.

    `inputs` are the ids of the nodes that it was made of, by the name under which the maker knew them.
    """

    id: str
    product: str
    asset: str
    data_version: str
    code_version: str
    commit: str
    run_id: str
    time: str
    rows: int
    inputs: dict[str, str]


@dataclass(frozen=True)
class RawFile:
    """An original file at the bottom of the graph."""

    uri: str
    digest: str
    size: int


@dataclass(frozen=True)
class Lineage:
    """The graph: `nodes` from the asset asked for to its roots, and the original files.

    `raw_files` are at most 10,000; `raw_total` counts them all.
    """

    path: str
    ref: str
    commit: str
    nodes: tuple[Node, ...]
    raw_files: tuple[RawFile, ...]
    raw_total: int


def lineage(lake: Lake, path: str, ref: str) -> Lineage:
    """Trace the asset that `path` (an asset or an object in it) belongs to, as it stands at `ref`.

    What the evaluation was compared with is shown, and its own past not followed. Raises `NotFound` for an
    unknown ref and where nothing was published.
    """
    commit = lake.resolve(ref)
    pieces = path.removeprefix("_meta/").removesuffix(".json").strip("/").split("/")
    if len(pieces) < 2:
        raise NotFound(f"{path!r} is no asset: expected <product>/<asset>, or a path below it")
    tracer = _Tracer(lake)
    tracer.trace(commit, pieces[0], pieces[1])
    files, total = tracer.raw()
    return Lineage(path, ref, commit, tuple(tracer.nodes.values()), files, total)


class _Tracer:
    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        self.nodes: dict[str, Node] = {}
        self._raw: dict[str, str] = {}

    def trace(self, commit: str, product: str, asset: str, *, follow: bool = True) -> str:
        folder = f"{product}/{asset}/"
        version = data_version(self.lake, commit, folder)
        record = read_record(self.lake, commit, product, asset)
        if version is None or record is None:
            raise NotFound(f"{folder} was never published at {commit}")
        identifier = f"{product}/{asset}@{version[:12]}"
        if identifier in self.nodes:
            return identifier
        made = _made(self.lake, commit, folder)
        self.nodes[identifier] = _node(identifier, record, made, version)
        if asset == "raw":
            self._raw[folder] = commit
        for name, entry in record.upstream.items():
            if not entry["folder"].endswith("/"):
                self.nodes[identifier].inputs[name] = f"{entry['folder']}@{entry['data_version'][:12]}"
            elif follow:
                _, upstream = entry["folder"].rstrip("/").split("/")
                found = self.trace(entry["commit"], product, upstream, follow=name != BASELINE)
                self.nodes[identifier].inputs[name] = found
        return identifier

    def raw(self) -> tuple[tuple[RawFile, ...], int]:
        files: list[RawFile] = []
        total = 0
        for folder, commit in self._raw.items():
            for item in self.lake.list(commit, folder + "part-"):
                rows: list[dict[str, Any]] = (
                    pq.ParquetFile(self.lake.fetch(commit, item.path))
                    .read(["uri", "digest", "size"])
                    .to_pylist()
                )
                total += len(rows)
                files += [RawFile(**row) for row in rows[: MAX_RAW_FILES - len(files)]]
        return tuple(files), total


def _made(lake: Lake, commit: str, folder: str) -> Commit:
    """The commit of the run that made what stands in a folder.

    `production` takes folders over from `main`, and a promotion from a branch: those commits lead on.
    """
    found = next(lake.log(commit, prefix=folder, limit=1))
    while "source_commit" not in found.metadata and "input_key" not in found.metadata:
        onward = found.metadata.get("main_commit") or (found.parents[1] if len(found.parents) == 2 else "")
        if not onward:
            break
        found = next(lake.log(onward, prefix=folder, limit=1))
    return found


def _node(identifier: str, record: Record, made: Commit, version: str) -> Node:
    return Node(
        id=identifier,
        product=record.product,
        asset=record.asset,
        data_version=version,
        code_version=record.code_version,
        commit=made.id,
        run_id=made.metadata.get("run_id", ""),
        time=made.time.isoformat(timespec="seconds"),
        rows=record.rows,
        inputs={},
    )
