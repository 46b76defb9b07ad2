"""The drift asset's maker: each window judged once, against what the release in production was made for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import small_corpus
import tiny_product
import traffic

from headwater.index.search import SearchIndex
from headwater.monitor.alerts import drift_message
from headwater.monitor.drift import DriftMaker
from headwater.monitor.newest import NEWEST_FILE, Newest
from headwater.monitor.profile import Profile
from headwater.monitor.reference import ProfileMaker
from headwater.monitor.served import SERVED_FILE
from headwater.monitor.support import Groundedness
from headwater.monitor.verdict import FAMILIES, MonitorConfig
from headwater.monitor.verdicts import read_verdicts
from headwater.schemas import ANSWERS, DRIFT
from headwater.tables import read_rows
from headwater.workspace import Produced

Rows = Sequence[Mapping[str, Any]]
MAKER = DriftMaker(
    monitor=MonitorConfig(least_rows=40, least_votes=20),
    groundedness=Groundedness(sample=25),
    perplexity_questions=0,
)


@pytest.fixture(scope="module")
def released(built) -> dict[str, Path]:
    lake = built.lake
    names = ("profile", "index", "questions", "base_model")
    return {name: lake.fetch("production", f"{tiny_product.PRODUCT}/{name}/") for name in names}


@pytest.fixture(scope="module")
def index(released: Mapping[str, Path]) -> SearchIndex:
    return SearchIndex.open(released["index"])


@pytest.fixture(scope="module")
def quiet(index: SearchIndex) -> Rows:
    return list(traffic.rows(index, traffic.window_id(1), traffic.known(80)))


@pytest.fixture(scope="module")
def strange(index: SearchIndex) -> list[Rows]:
    asked = traffic.known(50) + traffic.strange(30)
    return [list(traffic.rows(index, traffic.window_id(number), asked, answer="")) for number in (2, 3)]


class Log:
    """A log that grows, and the asset made of it version after version."""

    def __init__(self, base: Path, released: Mapping[str, Path]) -> None:
        self.base, self.released = base, dict(released)
        self.versions: list[Path] = []

    def judge(self, *windows: Rows, maker: DriftMaker = MAKER) -> Produced:
        number = len(self.versions)
        log = traffic.write(self.base / f"log-{number}", windows)
        previous = self.versions[-1] if self.versions else None
        given = small_corpus.workspace(
            self.base, f"drift-{number}", previous=previous, inference=log, **self.released
        )
        produced = maker(given)
        self.versions.append(given.out)
        for dataset, folder in ((DRIFT, given.out), (ANSWERS, given.out / "answers")):
            audited = dataset.audit(folder)
            assert audited.passed, audited.failures
        return produced

    @property
    def newest(self) -> Newest:
        return Newest.model_validate_json((self.versions[-1] / NEWEST_FILE).read_text())


@pytest.fixture
def log(tmp_path: Path, released: Mapping[str, Path]) -> Log:
    return Log(tmp_path, released)


def passed(produced: Produced) -> dict[str, bool]:
    return {check.name: check.passed for check in produced.checks}


def test_a_log_without_windows_and_a_product_without_release_are_fine(log: Log, quiet: Rows) -> None:
    produced = log.judge()
    assert passed(produced) == dict.fromkeys(FAMILIES, True)
    assert log.newest == Newest()
    log.released = {}
    assert log.judge(quiet).rows == 0


def test_a_second_window_confirms_what_the_first_warned_of(
    log: Log, quiet: Rows, strange: list[Rows]
) -> None:
    assert passed(log.judge(quiet)) == dict.fromkeys(FAMILIES, True)
    first = log.newest
    assert first.families["coverage"].status == "ok"
    assert first.release == "tiny-v1"
    assert passed(log.judge(quiet, strange[0]))["coverage"]
    assert log.newest.families["coverage"].status == "warn"
    produced = log.judge(quiet, *strange)
    assert not passed(produced)["coverage"]
    state = log.newest
    assert state.families["coverage"].status == "drift"
    assert [one.statuses["coverage"] for one in state.recent] == ["ok", "warn", "drift"]
    assert {check.severity for check in produced.checks} == {"warn"}
    assert set(produced.pictures) == {"history", "map", "similarity", "measures", "service"}
    assert "wine" in (log.versions[-1] / "report.html").read_text()
    assert "wine" not in (log.versions[-1] / NEWEST_FILE).read_text()
    assert produced.metrics["coverage/status"] == 2
    assert produced.tables["gaps"]
    told = drift_message("tiny", state)
    assert told is not None
    # What docs/monitoring.md shows (-s).
    print(f"\n{told.title}\n{told.body}")
    assert told.title.startswith("tiny: drift in ")
    about, *lines = told.body.splitlines()
    assert about == f"window {traffic.window_id(3)}, 80 questions, answered by tiny-v1"
    assert any(line.startswith("coverage: not covered ") for line in lines)
    assert any(line.startswith("gap: ") for line in lines)
    assert "wine" not in told.body


def test_windows_together_get_the_verdicts_they_get_one_by_one(
    log: Log, quiet: Rows, strange: list[Rows], tmp_path: Path, released: Mapping[str, Path]
) -> None:
    log.judge(quiet)
    log.judge(quiet, *strange)
    (tmp_path / "again").mkdir()
    once = Log(tmp_path / "again", released)
    once.judge(quiet, *strange)
    assert small_corpus.files_of(once.versions[-1]) == small_corpus.files_of(log.versions[-1])
    log.judge(quiet, *strange)
    assert small_corpus.files_of(log.versions[-1]) == small_corpus.files_of(log.versions[-2])


def test_a_window_that_comes_late_is_judged_in_its_place(log: Log, quiet: Rows, strange: list[Rows]) -> None:
    log.judge(strange[0], strange[1])
    assert log.newest.families["coverage"].status == "drift"
    log.judge(quiet, *strange)
    assert [one.window for one in log.newest.recent] == [traffic.window_id(n) for n in (1, 2, 3)]
    assert log.newest.families["coverage"].status == "drift"
    assert "wine" in (log.versions[-1] / "report.html").read_text()


def test_verdicts_outlive_their_windows_but_not_the_words_of_questions(
    log: Log, quiet: Rows, strange: list[Rows]
) -> None:
    log.judge(quiet, *strange)
    kept = [row for row in strange[1] if "wine" not in row["question"]]
    log.judge(strange[0], kept)
    assert "wine" in (log.versions[-1] / "report.html").read_text() or log.newest.gaps
    log.judge(kept)
    texts = small_corpus.files_of(log.versions[-1])
    assert not [name for name, data in texts.items() if b"wine" in data]
    assert "goulash" in (log.versions[-1] / "report.html").read_text()
    assert [one.window for one in log.newest.recent] == [traffic.window_id(n) for n in (1, 2, 3)]
    known = {row["response_id"] for row in kept}
    judged = [{row["response_id"] for row in read_rows(one / "answers")} for one in log.versions]
    assert not judged[0] <= known
    assert judged[-1] <= known


def test_answers_that_lose_their_passages_support_are_noticed(
    log: Log, index: SearchIndex, quiet: Rows
) -> None:
    invented = "Call Zanzibar on port 4711 with the Quixotic token before 1987."
    windows = [
        [*traffic.rows(index, traffic.window_id(number), traffic.known(80), answer=invented)]
        for number in (2, 3)
    ]
    log.judge(quiet)
    assert all(row["supported"] for row in read_rows(log.versions[-1] / "answers"))
    log.judge(quiet, *windows)
    assert log.newest.families["concept"].status == "drift"
    assert log.newest.families["concept"].test == "unsupported answers"
    assert log.newest.families["data"].status == "ok"


def test_votes_against_labelled_answers_are_label_trouble(log: Log, index: SearchIndex) -> None:
    asked = [row["text"] for row in read_rows(log.released["questions"])] * 2
    rows = list(traffic.rows(index, traffic.window_id(1), asked, vote=-1))
    log.judge(rows)
    assert log.newest.families["label"].status == "warn"


def test_another_embedders_window_fails_its_checks_and_the_log_goes_on(
    log: Log, index: SearchIndex, quiet: Rows
) -> None:
    other = list(traffic.rows(index, traffic.window_id(2), traffic.known(80), embedder="f00", status=500))
    produced = log.judge(quiet, other)
    families = log.newest.families
    assert families["data"].status == "not_comparable"
    assert "embedder f00" in families["data"].why
    assert not passed(produced)["data"]
    assert families["performance"].status == "warn"
    third = [
        {**row, "window": traffic.window_id(3), "response_id": f"{row['response_id']}x"} for row in quiet
    ]
    assert passed(log.judge(quiet, other, third))["data"]


@pytest.mark.parametrize("given", ["no profile", "too few questions"])
def test_without_a_profile_only_performance_is_judged(
    log: Log, quiet: Rows, given: str, tmp_path: Path
) -> None:
    profile = log.released.pop("profile")
    if given == "too few questions":
        facts = json.loads((profile / "profile.json").read_text())
        (tmp_path / "few").mkdir()
        few = {**facts, "insufficient": "a profile needs 40 questions"}
        (tmp_path / "few" / "profile.json").write_text(json.dumps(few))
        log.released["profile"] = tmp_path / "few"
    slow = [{**row, "latency_ms": 9000.0} for row in quiet] * 2
    slow = [{**row, "response_id": f"{number}"} for number, row in enumerate(slow)]
    assert all(passed(log.judge(slow)).values())
    assert log.newest.families["data"].status == "insufficient"
    assert "profile" in log.newest.families["data"].why
    assert log.newest.families["performance"].status == "warn"


def test_what_another_release_answers_is_left_out_of_what_says_something_of_the_release(
    log: Log, index: SearchIndex
) -> None:
    asked = traffic.known(60)
    own = traffic.rows(index, traffic.window_id(1), asked, vote=1)
    bad: dict[str, Any] = {"top_similarity": 0.1, "latency_ms": 9000.0, "vote": -1, "status": 500}
    other = [
        {**row, **bad, "response_id": f"{row['response_id']}x", "release": "tiny-v2"}
        for row in traffic.rows(index, traffic.window_id(1), asked)
    ]
    rows = [*own, *other]
    log.judge(rows, maker=MAKER)
    assert {log.newest.families[name].status for name in ("coverage", "performance")} == {"warn"}
    (log.base / "held").mkdir()
    held = Log(log.base / "held", log.released)
    produced = held.judge(rows, maker=MAKER.model_copy(update={"release": "tiny-v1"}))
    verdict = read_verdicts(held.versions[-1])[0]
    assert verdict.others == {"tiny-v2": 60}
    assert verdict.rows == 120
    assert {verdict.status(name) for name in ("coverage", "performance")} == {"ok"}
    whole = read_verdicts(log.versions[-1])[0]
    assert [verdict.families[name] for name in ("data", "text")] == [
        whole.families[name] for name in ("data", "text")
    ]
    assert produced.metrics["answered_by_others"] == 60
    assert "60 by tiny-v2" in (held.versions[-1] / "report.html").read_text()
    (log.base / "late").mkdir()
    late = Log(log.base / "late", log.released)
    late.judge(rows, maker=MAKER.model_copy(update={"release": "tiny-v3"}))
    coverage = late.newest.families["coverage"]
    assert coverage.status == "insufficient"
    assert "left out of coverage, concept, label, performance: 60 by tiny-v1, 60 by tiny-v2" in coverage.why
    assert late.newest.families["data"] == log.newest.families["data"]


def test_the_next_profile_takes_latency_and_votes_from_what_was_judged(
    log: Log, index: SearchIndex, quiet: Rows, tmp_path: Path
) -> None:
    voted = [{**row, "vote": -1 if number % 4 == 0 else 1} for number, row in enumerate(quiet)]
    log.judge(voted)
    asked = {name: log.released[name] for name in ("questions", "index")}
    given = small_corpus.workspace(tmp_path, "next", served=log.versions[-1] / SERVED_FILE, **asked)
    produced = ProfileMaker(perplexity_questions=0)(given)
    assert produced.text["served"] == "Latency and votes of 80 requests in 1 windows: 80 of tiny-v1."
    profile = Profile.load(given.out)
    assert profile.served is not None
    assert profile.served.down.mean() == pytest.approx(0.25)
    assert profile.served.latency_ms.tolist() == [100.0] * 80
    assert profile.notes == ("perplexity: the product has no language model",)
    worse = [
        {**row, "vote": -1 if number % 4 else 1, "latency_ms": 400.0} for number, row in enumerate(voted)
    ]
    (tmp_path / "after").mkdir()
    after = Log(tmp_path / "after", {**log.released, "profile": given.out})
    after.judge(worse)
    tests = {one.name: one for one in read_verdicts(after.versions[-1])[0].families["concept"].findings}
    assert tests["thumbs down, earlier releases"].strong
    page = (after.versions[-1] / "report.html").read_text()
    for shown in ("80 of tiny-v1", "25.0%", "75.0%", "100 ms", "400 ms"):
        assert shown in page


def test_perplexity_is_taken_of_a_sample_under_the_base_model(log: Log, quiet: Rows) -> None:
    log.judge(quiet, maker=MAKER.model_copy(update={"perplexity_questions": 30}))
    verdict = read_verdicts(log.versions[-1])[0]
    assert "perplexity" in {one.name for one in verdict.families["concept"].findings}
    assert not [note for note in verdict.notes if "perplexity" in note]
    del log.released["base_model"]
    (log.base / "without").mkdir()
    without = Log(log.base / "without", log.released)
    without.judge(quiet)
    assert "perplexity: not known of this window's questions" in (
        without.versions[-1] / "report.html"
    ).read_text().replace("&#x27;", "'")


def test_the_profile_of_another_version_is_named_and_compared_with_nothing(
    log: Log, quiet: Rows, tmp_path: Path
) -> None:
    (tmp_path / "old").mkdir()
    facts = json.loads((log.released["profile"] / "profile.json").read_text())
    (tmp_path / "old" / "profile.json").write_text(json.dumps({**facts, "format": 1}))
    log.released["profile"] = tmp_path / "old"
    log.judge(quiet)
    data = log.newest.families["data"]
    assert data.status == "insufficient"
    assert "format 1, expected 2: build the product again" in data.why


def test_a_window_of_embeddings_alone_is_no_trouble(log: Log, quiet: Rows) -> None:
    blank = {"route": "embeddings", "embedding": b"", "question": "", "answer": "", "retrieved": []}
    log.judge([{**row, **blank} for row in quiet])
    assert log.newest.rows == 0
    assert read_verdicts(log.versions[-1])[0].families["coverage"].status == "insufficient"
