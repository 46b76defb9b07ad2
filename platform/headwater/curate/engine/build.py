"""One build of silver from beginning to end."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from headwater.curate.engine.chain import Chain
from headwater.curate.engine.dropped import Dropped, find
from headwater.curate.engine.job import PREVIOUS, Job
from headwater.curate.engine.output import plan_parts, save_clusters
from headwater.curate.engine.pairs import known_pairs, write_pairs
from headwater.curate.engine.previous import STATE, STEPS_FILE, Reuse, description, reuse, write_index
from headwater.curate.engine.refused import write_quarantine
from headwater.curate.engine.state import write_state
from headwater.curate.engine.units import Units
from headwater.curate.engine.waterfall import Flow, flow_of
from headwater.curate.engine.work import Crew, Task, Worker
from headwater.fingerprint import code_version, digest_file, digest_json, library_versions
from headwater.schemas import PAIRS, QUARANTINE, SILVER
from headwater.tables import parts, write_json
from headwater.workspace import Workspace

# Below this many bytes of bronze, processes take longer to start than they save.
LEAST_BYTES_FOR_PROCESSES = 8 << 20
MOST_WORKERS = 8
_CODE = (
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
    job = Job(
        chain=chain,
        bronze=workspace.inputs["bronze"],
        previous=usable,
        folder=_folder(workspace, chain, engine, usable),
        out=workspace.out,
        batch_rows=batch_rows,
    )
    job.folder.mkdir(parents=True, exist_ok=True)
    job.save(SILVER.arrow, QUARANTINE.arrow)
    if usable is not None and holds is not None:
        write_index(usable, holds.outcomes, job.folder / PREVIOUS)
    worker = Worker(job)
    with Crew(worker, _helpers(job, workers)) as crew:
        built = _run(job, worker, crew, workspace, holds)
    write_json(workspace.out / STATE / STEPS_FILE, description(chain, engine))
    shutil.rmtree(job.folder)
    return built


def _run(job: Job, worker: Worker, crew: Crew, workspace: Workspace, holds: Reuse | None) -> Built:
    _remove_repeated(job, crew, workspace)
    _watch(crew, [{"unit": number} for number in range(len(job.units))], workspace, "silver: parts judged")
    units, previous = worker.units, worker.previous
    known = (
        known_pairs(job.previous) if job.previous is not None and holds is not None and holds.pairs else None
    )
    found = find(job, units, known, workspace.progress)
    dropped = Dropped.of(found, units)
    ranges = plan_parts(job, units, dropped.mask)
    save_clusters(job, dropped.kept_numbers, dropped.document_id)
    writing = crew.perform(
        [{"part": number, "begin": begin, "end": end} for number, (begin, end) in enumerate(ranges)]
    )
    write_quarantine(job, units, previous, dropped)
    write_state(job, units, previous, dropped)
    write_pairs(workspace.out, found.pairs, units, PAIRS.arrow)
    for done, _ in enumerate(writing):
        workspace.progress("silver: parts written", done + 1, len(ranges))
    stages = [step.name for step in job.chain.steps]
    return Built(
        kept=ranges[-1][1],
        judged=sum(int(np.count_nonzero(unit.known < 0)) for unit in units),
        bytes_out=_bytes_out(units, dropped),
        flow=flow_of(units, dropped.mask, [*stages, job.chain.dedup.name]),
    )


def _remove_repeated(job: Job, crew: Crew, workspace: Workspace) -> None:
    if not job.chain.repeated:
        return
    from headwater.curate.engine.repeated import find_table

    numbers = range(len(job.units))
    for stage, step in enumerate(job.chain.repeated):
        read, removed = (
            f"silver: parts searched for {step.unit}s",
            f"silver: parts without repeated {step.unit}s",
        )
        _watch(crew, [{"observe": number, "stage": stage} for number in numbers], workspace, read)
        find_table(job, stage)
        _watch(crew, [{"remove": number, "stage": stage} for number in numbers], workspace, removed)


def _watch(crew: Crew, tasks: Sequence[Task], workspace: Workspace, what: str) -> None:
    for done, _ in enumerate(crew.perform(tasks)):
        workspace.progress(what, done + 1, len(tasks))


def _helpers(job: Job, workers: int | None) -> int:
    count = workers or min(len(os.sched_getaffinity(0)), MOST_WORKERS)
    size = sum(path.stat().st_size for path in job.inputs(0))
    return 0 if size < LEAST_BYTES_FOR_PROCESSES else min(count, len(job.units)) - 1


def _folder(workspace: Workspace, chain: Chain, engine: str, previous: Path | None) -> Path:
    """Scratch of this build alone: what stands in it depends on the last version as well."""
    seen = [digest_file(path) for path in parts(previous / STATE)] if previous is not None else []
    bronze = [[path.name, path.stat().st_size] for path in parts(workspace.inputs["bronze"])]
    identity = digest_json([bronze, chain.model_dump(mode="json"), engine, seen])
    folder = workspace.scratch / f"silver-{identity[:16]}"
    for other in workspace.scratch.glob("silver-*"):
        if other != folder:
            shutil.rmtree(other)
    return folder


def _bytes_out(units: Units, dropped: Dropped) -> int:
    total = first = 0
    for unit in units:
        kept = unit.passed[~dropped.mask[first : first + len(unit.passed)]]
        first += len(unit.passed)
        total += int(unit.rows["bytes_out"].to_numpy()[kept].sum())
    return total
