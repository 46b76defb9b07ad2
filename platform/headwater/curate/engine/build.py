"""One build of silver from beginning to end."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from headwater.curate.engine.chain import Chain
from headwater.curate.engine.documents import Documents
from headwater.curate.engine.dropped import Dropped, find
from headwater.curate.engine.duplicates import write_duplicates
from headwater.curate.engine.groups import Group, plan_groups, save_groups
from headwater.curate.engine.job import Job
from headwater.curate.engine.keys import part_key
from headwater.curate.engine.known import Known
from headwater.curate.engine.output import plan_parts, save_clusters
from headwater.curate.engine.pairs import known_pairs, write_pairs
from headwater.curate.engine.previous import (
    BRONZE_FILE,
    KEPT,
    STATE,
    STEPS_FILE,
    Previous,
    description,
    reuse,
)
from headwater.curate.engine.refused import write_quarantine
from headwater.curate.engine.state import final_outcomes, write_state
from headwater.curate.engine.units import Units
from headwater.curate.engine.waterfall import Flow
from headwater.curate.engine.work import Crew, Worker
from headwater.fingerprint import code_version, digest_file, digest_json, library_versions
from headwater.schemas import DUPLICATES, PAIRS, QUARANTINE, SILVER
from headwater.tables import parts, write_json
from headwater.workspace import Workspace

# Below this many bytes to judge, processes take longer to start than they save.
LEAST_BYTES_FOR_PROCESSES = 16 << 20
MOST_WORKERS = 8
_CODE = (
    "headwater.curate.dedup.wording",
    "headwater.curate.engine",
    "headwater.curate.step",
    "headwater.schemas.tiers",
    "headwater.tables",
)


@dataclass(frozen=True)
class Built:
    """What a build did: documents kept, judged anew and taken over, bytes out, and the flow of documents."""

    kept: int
    judged: int
    bytes_out: int
    flow: Flow


def build(chain: Chain, workspace: Workspace, workers: int | None, batch_rows: int) -> Built:
    """Write silver, its quarantine and its state below `workspace.out`.

    What an earlier attempt of this very build left in scratch is taken over.
    """
    engine = digest_json([code_version(*_CODE), library_versions("pyarrow", "xxhash")])
    holds = reuse(workspace.previous, chain, engine)
    usable = workspace.previous if holds is not None else None
    came = [part_key(path) for path in parts(workspace.inputs["bronze"])]
    job = Job(
        chain=chain,
        bronze=workspace.inputs["bronze"],
        previous=usable,
        folder=_folder(workspace, chain, engine, came, usable),
        out=workspace.out,
        batch_rows=batch_rows,
    )
    job.folder.mkdir(parents=True, exist_ok=True)
    job.save(SILVER.arrow, QUARANTINE.arrow)
    if chain.repeated:
        # Few products remove repeated text; the others need not load its kernels.
        from headwater.curate.engine.repeated import remove_repeated

        remove_repeated(job, _processes(workers), workspace.progress)
    units = job.units
    digests = [part_key(path) for path in units] if chain.repeated else came
    previous = Previous.of(usable, holds.outcomes) if usable is not None and holds is not None else None
    known = Known.find(units, digests, previous)
    known.save(job.folder)
    if previous is not None:
        previous.save(job.folder)
    groups = plan_groups(known)
    save_groups(job.folder, groups)
    worker = Worker(job, known, previous)
    pairs = known_pairs(usable) if usable is not None and holds is not None and holds.pairs else None
    with Crew(worker, _helpers(groups, workers)) as crew:
        # The longest first, so that the processes end at nearly the same time.
        order = sorted(groups, key=lambda group: -group.size)
        _watch(
            crew.perform([{"first": group.first, "stop": group.stop} for group in order]),
            len(groups),
            workspace,
            "silver: parts judged",
        )
        built = _finish(job, worker, crew, Units(job, known, previous, groups), digests, pairs, workspace)
    write_json(workspace.out / STATE / STEPS_FILE, description(chain, engine))
    shutil.rmtree(job.folder)
    return built


def _finish(
    job: Job,
    worker: Worker,
    crew: Crew,
    units: Units,
    digests: Sequence[str],
    pairs: pa.Table | None,
    workspace: Workspace,
) -> Built:
    """Find the duplicates and write everything; others write silver meanwhile."""
    found = find(job, units, pairs, workspace.progress)
    worker.documents = units.documents
    Documents.save(job.folder, units.outcome)
    dropped = Dropped.of(found, units)
    ranges = plan_parts(job, units, dropped.mask)
    save_clusters(job, units, dropped)
    writing = crew.perform(
        [{"part": number, "begin": begin, "end": end} for number, (begin, end) in enumerate(ranges)]
    )
    outcome = final_outcomes(job, units, dropped)
    write_quarantine(job, units, dropped, outcome, crew.beside)
    write_state(job, units, digests, dropped, outcome, crew.beside)
    write_duplicates(job, units, dropped, DUPLICATES.arrow)
    write_pairs(workspace.out, found, units, PAIRS.arrow)
    _watch(writing, len(ranges), workspace, "silver: parts written")
    flow = Flow([*(step.name for step in job.chain.steps), job.chain.dedup.name])
    flow.add(outcome, units.bytes_in)
    return Built(
        kept=ranges[-1][1],
        judged=int(np.count_nonzero(units.known.rows < 0)),
        bytes_out=int(units.bytes_out[outcome == KEPT].sum()),
        flow=flow,
    )


def _watch(done: Iterator[None], total: int, workspace: Workspace, what: str) -> None:
    for count, _ in enumerate(done):
        workspace.progress(what, count + 1, total)


def _processes(workers: int | None) -> int:
    return workers or min(len(os.sched_getaffinity(0)), MOST_WORKERS)


def _helpers(groups: Sequence[Group], workers: int | None) -> int:
    size = sum(group.size for group in groups)
    return 0 if size < LEAST_BYTES_FOR_PROCESSES else min(_processes(workers), len(groups)) - 1


def _folder(
    workspace: Workspace, chain: Chain, engine: str, bronze: Sequence[str], previous: Path | None
) -> Path:
    """Scratch of this build alone: what stands in it depends on the last version as well."""
    seen = [digest_file(previous / STATE / name) for name in (BRONZE_FILE, STEPS_FILE)] if previous else []
    identity = digest_json([list(bronze), chain.model_dump(mode="json"), engine, seen])
    folder = workspace.scratch / f"silver-{identity[:16]}"
    for other in workspace.scratch.glob("silver-*"):
        if other != folder:
            shutil.rmtree(other)
    return folder
