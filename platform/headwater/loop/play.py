"""The loop from its first build to the rollback, one step after the other, each measured."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import TypeVar

import dagster as dg

from headwater.building import BuildResult, build
from headwater.components.refreshes import CAUSE
from headwater.lake import Lake, open_lake
from headwater.lake.errors import NotFound
from headwater.loop import processes, traffic
from headwater.loop.definitions import loop_definitions
from headwater.loop.scenario import KNOWN, MISSING, PRODUCT, WINDOW_ROWS, Stage
from headwater.loop.timeline import Timeline
from headwater.loop.traffic import Asked, Question
from headwater.monitor.newest import NEWEST_FILE, Newest
from headwater.monitor.policy import ASSETS_OF, CAUSES
from headwater.release import current_release
from headwater.settings import MAIN, PRODUCTION
from headwater.tables import read_json

SENSORS = (f"{PRODUCT}_windows", f"{PRODUCT}_drift")
REFRESHED = ASSETS_OF["coverage"]
QUIET_WINDOWS = 2
MOST_SHIFTED_WINDOWS = 2
"""Windows about missing services within which the drift must be found."""
_PATIENCE = 300.0
_LOOK_SECONDS = 0.5

T = TypeVar("T")


class LoopFailed(RuntimeError):
    """The loop did not close; the message says at which step and what was seen."""


@dataclass
class Loop:
    """One round. `address` is the service's, once it answers."""

    stage: Stage
    timeline: Timeline
    address: str = ""
    asked: list[str] = field(default_factory=list[str])

    def build(self, assets: Sequence[str] = ()) -> BuildResult:
        """Build the product, or some of its assets, in this process; the run is in the UI all the same."""
        with dg.DagsterInstance.get() as instance:
            return build(
                PRODUCT,
                select=assets,
                definitions=loop_definitions(self.stage),
                instance=instance,
                home=str(self.stage.home),
            )

    def release(self) -> str:
        """The release that production holds; empty before the first."""
        found = current_release(self.lake(), PRODUCT)
        return found.name if found else ""

    def newest(self) -> Newest:
        """The newest verdict on a window."""
        try:
            folder = self.lake().fetch(MAIN, f"{PRODUCT}/drift/")
        except NotFound:
            return Newest()
        return Newest.model_validate(read_json(folder / NEWEST_FILE))

    def recall(self) -> float:
        """Hybrid recall@10 of the release in production, as its evaluation measured it."""
        folder = self.lake().fetch(PRODUCTION, f"{PRODUCT}/evaluation/")
        return float(read_json(folder / "evaluation.json")["metrics"]["hybrid/recall@10"])

    def ask(self, questions: Sequence[Question], rows: int, name: str) -> Asked:
        """Ask the service `rows` questions in sessions of their own."""
        self.asked.append(name)
        return traffic.ask(self.address, traffic.sessions(questions, rows, seed=len(self.asked)), name)

    def until(self, what: str, look: Callable[[], T | None], seconds: float = _PATIENCE) -> T:
        """Wait until `look` finds something. Raises `LoopFailed` when it takes too long."""
        end = time.monotonic() + seconds
        while (found := look()) is None:
            if time.monotonic() > end:
                raise LoopFailed(f"waited {seconds:.0f} s for {what}; the logs are in {self.stage.folder}")
            time.sleep(_LOOK_SECONDS)
        return found

    def lake(self) -> Lake:
        """The stage's lake."""
        return open_lake(self.stage.lake)


def play(stage: Stage, *, ui_port: int, keep: bool) -> None:
    """Go round once. Raises `LoopFailed` when a promise does not hold."""
    variables = processes.environment(stage)
    os.environ.clear()
    os.environ.update(variables)
    stage.clear()
    loop = Loop(stage, Timeline(stage.folder))
    _first_release(loop)
    with ExitStack() as stack:
        ui = stack.enter_context(processes.dagster(stage, ui_port))
        loop.address = stack.enter_context(processes.service(stage, processes.free_port()))
        stack.enter_context(processes.switched_on(ui, SENSORS))
        loop.timeline.note("serving", f"{loop.release()} at {loop.address}; Dagster at {ui}")
        _quiet(loop)
        before = _shifted(loop)
        _refreshed(loop, before)
        _damaged(loop)
        _rolled_back(loop)
        if keep:
            loop.timeline.note("left running", f"until Ctrl-C: {loop.address} and {ui}")
            with suppress(KeyboardInterrupt):
                time.sleep(processes.LONGEST_SECONDS)


def _first_release(loop: Loop) -> None:
    loop.stage.publish_documentation(KNOWN)
    loop.timeline.note("sources", f"documentation of {len(KNOWN)} services; none of {', '.join(MISSING)}")
    result = loop.build()
    if not loop.release():
        raise LoopFailed(f"the first build released nothing: {result.reason or result.verdict}")
    loop.timeline.note("first release", f"{result.verdict}; recall@10 {loop.recall():.3f}")


def _quiet(loop: Loop) -> None:
    questions = traffic.questions_about(KNOWN)
    for number in range(1, QUIET_WINDOWS + 1):
        asked = loop.ask(questions, WINDOW_ROWS, f"known-{number}")
        seen = _judged(loop, number)
        loop.timeline.note(f"window {number}: known services", f"{_told(asked)}; {_statuses(seen)}")
        if "drift" in _by_status(seen):
            raise LoopFailed(f"a window about known services drifted: {_statuses(seen)}")


def _shifted(loop: Loop) -> Asked:
    """Ask about the missing services until the drift is confirmed; their documentation comes in meanwhile."""
    questions = traffic.questions_about(MISSING)
    first: Asked | None = None
    for number in range(1, MOST_SHIFTED_WINDOWS + 1):
        asked = loop.ask(questions, WINDOW_ROWS, f"missing-{number}")
        if first is None:
            first = asked
            loop.stage.publish_documentation(MISSING)
            loop.timeline.note("documentation came in", f"of {', '.join(MISSING)}; nobody builds anything")
        seen = _judged(loop, QUIET_WINDOWS + number)
        gaps = ", ".join(f"{gap.size} questions near {gap.nearest_document}" for gap in seen.gaps[:2])
        told = f"{_told(asked)}; {_statuses(seen)}; gaps: {gaps or 'none'}"
        loop.timeline.note(f"window {QUIET_WINDOWS + number}: missing services", told)
        if seen.families["coverage"].status == "drift":
            return first
    raise LoopFailed(f"no coverage gap after {MOST_SHIFTED_WINDOWS} windows: {_statuses(loop.newest())}")


def _refreshed(loop: Loop, before: Asked) -> None:
    old = loop.release()
    with dg.DagsterInstance.get() as instance:
        run = loop.until("the sensor's refresh", lambda: _refresh_of(instance))
        loop.timeline.note("the sensor launched a refresh", _cause(run))
        loop.until("the refresh to end", lambda: _finished(instance, run.run_id), 2 * _PATIENCE)
    if loop.release() == old:
        raise LoopFailed(f"the refresh released nothing: run {run.run_id}")
    loop.timeline.note("the gate passed", f"production holds {loop.release()}; recall@10 {loop.recall():.3f}")
    _served(loop)
    again = loop.ask(traffic.questions_about(MISSING), WINDOW_ROWS, "missing-1")
    change = f"recall@10 {before.recall:.3f} before, {again.recall:.3f} now"
    loop.timeline.note("the same questions again", f"{change}; {_told(again)}")
    if again.recall <= before.recall:
        raise LoopFailed(f"the refresh did not help: {change}")
    _answered(loop)


def _answered(loop: Loop) -> None:
    """Let the model answer the first of the questions that the release now covers."""
    for question in traffic.questions_about(MISSING):
        answer = traffic.chat(loop.address, question.text, "after")
        if answer["headwater"]["answerable"]:
            cited = [f"{item['title']} ({item['commit'][:10]})" for item in answer["headwater"]["citations"]]
            text = " ".join(answer["choices"][0]["message"]["content"].split())
            told = f"{question.text!r}: {text!r}, citing {', '.join(cited)}"
            loop.timeline.note("an answer with citations", told)
            return
    raise LoopFailed("no question about the missing services is covered after the refresh")


def _damaged(loop: Loop) -> None:
    old = loop.release()
    damaged = loop.stage.damage_documentation()
    result = loop.build(REFRESHED)
    if loop.release() != old:
        raise LoopFailed(f"the gate let damaged documentation through: {result.verdict}")
    told = f"{damaged} operations with another one's text; {result.verdict or result.reason}"
    loop.timeline.note("a damaged source was stopped", told)


def _rolled_back(loop: Loop) -> None:
    old = loop.release()
    command = [sys.executable, "-m", "headwater", "rollback", PRODUCT]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ))
    if done.returncode != 0 or loop.release() == old:
        raise LoopFailed(f"headwater rollback: {done.stdout}{done.stderr}")
    loop.timeline.note("headwater rollback", f"{old} -> {loop.release()}")
    _served(loop)


def _judged(loop: Loop, count: int) -> Newest:
    """The newest verdict once so many windows are judged."""

    def look() -> Newest | None:
        seen = loop.newest()
        return seen if len(seen.recent) >= count else None

    return loop.until(f"the verdict on window {count}", look)


def _served(loop: Loop) -> None:
    wanted = loop.release()
    loop.until("the service to swap", lambda: traffic.served(loop.address) == wanted or None)
    loop.timeline.note("the service swapped", f"it answers from {wanted}")


def _refresh_of(instance: dg.DagsterInstance) -> dg.DagsterRun | None:
    runs = instance.get_runs(dg.RunsFilter(tags={CAUSE: list(CAUSES)}), limit=1)
    return runs[0] if runs else None


def _finished(instance: dg.DagsterInstance, run_id: str) -> bool | None:
    run = instance.get_run_by_id(run_id)
    if run is None or not run.is_finished:
        return None
    if not run.is_success:
        raise LoopFailed(f"the refresh ended with {run.status.value}: run {run_id}")
    return True


def _cause(run: dg.DagsterRun) -> str:
    assets = sorted(key.path[-1] for key in run.asset_selection or ())
    return f"cause {run.tags[CAUSE]}; makes {', '.join(assets)}"


def _told(asked: Asked) -> str:
    covered = asked.answerable / asked.questions
    return f"{asked.questions} questions, recall@10 {asked.recall:.3f}, {covered:.0%} covered"


def _statuses(seen: Newest) -> str:
    return ", ".join(f"{name} {family.status}" for name, family in seen.families.items())


def _by_status(seen: Newest) -> set[str]:
    return {family.status for family in seen.families.values()}
