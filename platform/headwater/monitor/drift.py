"""Maker of the drift asset: every window of the inference log that was not judged yet is judged, once."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from headwater.monitor.drift_output import (
    ANSWERS_FOLDER,
    checks_of,
    metrics_of,
    tables_of,
    verdict_rows,
)
from headwater.monitor.judge import judge, unjudged
from headwater.monitor.log_windows import (
    Row,
    answers_of,
    embedders_of,
    only_requests,
    questions_of,
    release_of,
    response_ids,
    rows_of,
    window_ids,
    with_facts,
)
from headwater.monitor.measures import with_measures
from headwater.monitor.newest import NEWEST_FILE, newest
from headwater.monitor.past import FIRST_WINDOWS, Past
from headwater.monitor.profile import Profile
from headwater.monitor.released import Standard
from headwater.monitor.report import REPORT_FILE, write_report
from headwater.monitor.rows import Answers, Observed, OtherEmbedder, WindowData, answered_by
from headwater.monitor.served import ServedWindow, write_served
from headwater.monitor.support import Groundedness, supported_answers
from headwater.monitor.verdict import MonitorConfig, WindowVerdict
from headwater.monitor.verdicts import forgotten, write_verdicts
from headwater.schemas import ANSWERS, DRIFT
from headwater.tables import write_json, write_rows
from headwater.workspace import Produced, Workspace

PICTURES = "pictures"


class DriftMaker(BaseModel):
    """Input `inference`; `profile`, `index`, `questions`, `base_model` are those of `release` in production.

    Windows are judged in their order, each with the verdicts before it. A verdict stays as it was made: when
    production moves, only later windows are compared with its profile. Without a release, or without windows,
    there is nothing to say, which is no error. A verdict keeps the words of a question, and what became of an
    answer, as long as the inference log has them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    monitor: MonitorConfig = Field(default_factory=MonitorConfig, description="When a window alarms")
    groundedness: Groundedness = Field(
        default_factory=Groundedness, description="How answers are held against their passages"
    )
    keep_verdicts: int = Field(default=500, ge=50, description="Verdicts kept, the newest ones")
    perplexity_questions: int = Field(
        default=50, ge=0, le=5000, description="Questions of a window whose perplexity is taken; 0 for none"
    )
    release: str = Field(default="", description="The release in production; empty: whichever answered")

    def __call__(self, workspace: Workspace) -> Produced:
        """Writes verdicts/*.json, rows of `schemas.DRIFT` and `schemas.ANSWERS`, newest.json, report.html."""
        past = Past.read(workspace.previous)
        windows = window_ids(workspace.inputs["inference"])
        standard = Standard.read(workspace.inputs, self.release)
        open_windows = past.unjudged(windows, self.keep_verdicts) if standard else []
        wanted = {*windows[-1:], *open_windows, *(past.first_windows() if open_windows else ())}
        rows = rows_of(workspace.inputs["inference"], wanted)
        judged = _Judging(self, past, rows)
        for number, window in enumerate(open_windows):
            assert standard is not None
            workspace.progress("judging windows", number, len(open_windows))
            judged.add(window, standard)
        kept = sorted(judged.verdicts, key=lambda one: one.window)[-self.keep_verdicts :]
        verdicts = forgotten(kept, _asked(workspace.inputs["inference"], kept))
        return self._write(workspace, verdicts, judged, standard, len(open_windows))

    def _write(
        self,
        workspace: Workspace,
        verdicts: Sequence[WindowVerdict],
        judged: _Judging,
        standard: Standard | None,
        new: int,
    ) -> Produced:
        out = workspace.out
        names = {verdict.window for verdict in verdicts}
        write_rows(out, verdict_rows(verdicts), DRIFT.arrow, key=DRIFT.key)
        known = response_ids(workspace.inputs["inference"])
        answers = [row for row in judged.answers if row["window"] in names and row["response_id"] in known]
        write_rows(out / ANSWERS_FOLDER, answers, ANSWERS.arrow, key=ANSWERS.key)
        write_verdicts(out, verdicts)
        state = newest(verdicts)
        write_json(out / NEWEST_FILE, state.model_dump(mode="json"))
        write_served(out, judged.served)
        pictures = _report(workspace, verdicts, judged, standard)
        return Produced(
            rows=len(verdicts),
            metrics={"judged_now": new, **metrics_of(state)},
            tables=tables_of(verdicts),
            pictures=pictures,
            text={} if verdicts else {"summary": "No window was judged yet."},
            checks=checks_of(state),
        )


@dataclass
class _Judging:
    """Judges window after window; `verdicts` and `answers` grow with each."""

    maker: DriftMaker
    past: Past
    rows: Mapping[str, Sequence[Row]]

    def __post_init__(self) -> None:
        self.verdicts: list[WindowVerdict] = list(self.past.verdicts)
        self.answers: list[dict[str, Any]] = list(self.past.answers)
        self.served: list[ServedWindow] = list(self.past.served)
        self._last: tuple[str, Observed] | None = None

    def add(self, window: str, standard: Standard) -> None:
        verdict = self._judged(window, standard)
        self.verdicts.append(verdict.model_copy(update={"release": release_of(self.rows[window])}))
        self.served.append(ServedWindow.of(window, self.rows[window]))

    def _judged(self, window: str, standard: Standard) -> WindowVerdict:
        how, rows = self.maker, self.rows[window]
        history = [one for one in self.verdicts if one.window < window]
        unlike = [standard.digest, "insufficient", standard.why]
        profile = standard.profile
        if profile is not None:
            # Answers are held against the index's vectors, so they need its embedder as well.
            if standard.index is not None and embedders_of(rows) <= {profile.reference.embedder}:
                own = [row for row in rows if answered_by(row, standard.release)]
                self.answers += supported_answers(window, own, standard.index, how.groundedness)
            try:
                data = self._data(window, profile, standard)
                before = self._before(profile.digest, standard.release)
                return judge(data, profile, history, how.monitor, before)
            except OtherEmbedder as error:
                unlike = [profile.digest, "not_comparable", str(error)]
        digest, status, why = unlike
        requests = only_requests(window, rows, standard.embedder)
        return unjudged(requests, digest, status, why, history, how.monitor)

    def data_of(self, window: str, standard: Standard) -> WindowData | None:
        """The window as it can be shown, or None where its rows are gone or of another embedder."""
        if standard.profile is None or not self.rows.get(window):
            return None
        try:
            return self._data(window, standard.profile, standard)
        except OtherEmbedder:
            return None

    def _data(self, window: str, profile: Profile, standard: Standard) -> WindowData:
        rows = with_facts(self.rows[window], self._supported(), standard.gold)
        data = WindowData.of(
            window,
            rows,
            embedder=profile.reference.embedder,
            dimensions=len(profile.mean),
            release=standard.release,
        )
        return replace(data, observed=self._measured(data, standard))

    def _measured(self, data: WindowData, standard: Standard) -> Observed:
        """The questions with their measures, which the report of the window just judged needs once more."""
        if data.observed.rows < self.maker.monitor.least_rows:
            return data.observed
        if self._last is None or self._last[0] != data.id:
            compared = standard.profile is not None and "perplexity" in standard.profile.reference.measures
            self._last = (
                data.id,
                with_measures(
                    data.observed,
                    data.id,
                    base_model=standard.base_model if compared else None,
                    most=self.maker.perplexity_questions,
                ),
            )
        return self._last[1]

    def _before(self, profile: str, release: str) -> Answers | None:
        """What became of answers in the first windows on this profile."""
        first = [one.window for one in self.verdicts if one.profile == profile][:FIRST_WINDOWS]
        rows = [row for window in first for row in self.rows.get(window, ()) if answered_by(row, release)]
        return answers_of(rows, self._supported()) if rows else None

    def _supported(self) -> dict[str, bool]:
        return {row["response_id"]: row["supported"] for row in self.answers}


def _asked(inference: Path, verdicts: Sequence[WindowVerdict]) -> set[str]:
    """The questions of windows whose verdicts show examples, as far as the log still has them."""
    shown = [verdict.window for verdict in verdicts if verdict.gaps]
    return {text for rows in rows_of(inference, shown).values() for text in questions_of(rows)}


def _report(
    workspace: Workspace,
    verdicts: Sequence[WindowVerdict],
    judged: _Judging,
    standard: Standard | None,
) -> dict[str, Path]:
    """The newest window's report and pictures: taken over while its verdict is as it was, else made.

    Where words were forgotten and the profile is no longer there to make it again, there is no report.
    """
    if not verdicts:
        return {}
    last = verdicts[-1]
    before = workspace.previous
    same = any(one == last for one in judged.past.verdicts)
    if same and before is not None:
        return _taken_over(before, workspace.out)
    profile = standard.profile if standard is not None else None
    window = judged.data_of(last.window, standard) if standard is not None else None
    if window is not None and profile is not None and profile.digest == last.profile:
        folder = workspace.out / PICTURES
        folder.mkdir()
        written = dict(write_report(last, window, profile, verdicts[:-1], folder))
        page = written.pop("report")
        page.rename(workspace.out / page.name)
        return written
    return {}


def _taken_over(before: Path, out: Path) -> dict[str, Path]:
    if (before / PICTURES).is_dir():
        shutil.copytree(before / PICTURES, out / PICTURES)
        shutil.copyfile(before / REPORT_FILE, out / REPORT_FILE)
    return {path.stem: path for path in sorted((out / PICTURES).glob("*.png"))}
