"""Closed segments become windows: the same ones however the segments are cut and built."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from logged import entry, feedback, request, segment

from headwater.curate.erasures import INPUT, Erasure, Erasures
from headwater.fingerprint import digest_file
from headwater.inference_log.maker import InferenceMaker, WindowSettings
from headwater.inference_log.progress import delete_taken
from headwater.inference_log.segments import in_order, segments
from headwater.schemas import FEEDBACK, INFERENCE, QUARANTINE
from headwater.tables import read_rows
from headwater.workspace import Produced, Workspace

Rows = list[dict[str, Any]]


@dataclasses.dataclass
class Log:
    """Closed segments, and the versions made from them."""

    folder: Path
    settings: WindowSettings
    version: Path | None = None
    builds: int = 0

    @property
    def closed(self) -> Path:
        return self.folder / "closed"

    def build(self, erased: Sequence[Erasure] = ()) -> Produced:
        self.builds += 1
        home = self.folder / f"build{self.builds}"
        out, inputs = home / "out", {}
        out.mkdir(parents=True)
        if erased:
            inputs[INPUT] = home / "erased.json"
            inputs[INPUT].write_bytes(Erasures(erased).as_bytes())
        made = InferenceMaker(self.settings, self.closed)(
            Workspace(out, inputs, self.version, home / "cache", home / "scratch")
        )
        for schema, part in (
            (INFERENCE, out),
            (FEEDBACK, out / "feedback"),
            (QUARANTINE, out / "quarantine"),
        ):
            audit = schema.audit(part)
            assert audit.passed, audit.failures
        self.version = out
        return made

    def rows(self, part: str = "") -> Rows:
        assert self.version is not None
        return list(read_rows(self.version / part))

    def files(self) -> dict[str, str]:
        assert self.version is not None
        return {
            path.relative_to(self.version).as_posix(): digest_file(path)
            for path in self.version.rglob("*")
            if path.is_file()
        }

    def windows(self) -> dict[str, str]:
        return {name: digest for name, digest in self.files().items() if "part-w-" in name}


@pytest.fixture
def log_of(tmp_path: Path) -> Callable[..., Log]:
    made: list[Log] = []

    def make(**given: Any) -> Log:
        made.append(Log(tmp_path / str(len(made)), WindowSettings(**{"window_rows": 4, **given})))
        return made[-1]

    return make


def entries(count: int = 11) -> list[bytes]:
    """Requests with a judgement of the first, long after its window closed."""
    lines = [entry(number, request(number)) for number in range(count - 1)]
    return [*lines, entry(count, feedback(1, 0, minutes=30, vote=1, correction="By name"))]


def test_a_log_that_was_never_written_has_no_rows(log_of: Callable[..., Log]) -> None:
    log = log_of()
    assert log.build().rows == 0
    assert log.rows() == log.rows("feedback") == log.rows("quarantine") == []


def test_full_windows_close_and_the_rest_waits(log_of: Callable[..., Log]) -> None:
    log = log_of()
    segment(log.closed, entries())
    made = log.build()
    assert (made.rows, made.metrics["windows"], made.metrics["waiting"]) == (8, 2, 3)
    row = log.rows()[0]
    assert row["window"].startswith("w-20260301T080000000000-")
    assert row["retrieved"] == [
        {"chunk_id": "c", "document_id": "d0", "uri": "docs/0.md", "score": 0.5, "similarity": 0.25}
    ]
    assert (row["language"], row["vote"], row["feedback"], len(row["embedding"])) == ("en", None, 0, 8)
    assert made.checks[0].passed


def test_a_window_closes_before_it_spans_too_long(log_of: Callable[..., Log]) -> None:
    log = log_of(window_rows=100, window_hours=1)
    times = [0, 20, 59, 60, 61, 300]
    segment(log.closed, [entry(n, request(n, minutes=time)) for n, time in enumerate(times)])
    made = log.build()
    sizes = [
        sum(row["window"] == window for row in log.rows())
        for window in sorted({row["window"] for row in log.rows()})
    ]
    assert (sizes, made.metrics["waiting"]) == ([3, 2], 1)


@given(cuts=st.lists(st.integers(0, 24), max_size=6), built=st.sets(st.integers(0, 6)))
@settings(deadline=None, max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_windows_are_the_same_however_segments_are_cut(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], built: set[int]
) -> None:
    lines = entries(12) + [entry(n, request(n)) for n in range(20, 26)]
    lines += [entry(30, feedback(2, 20, minutes=40, vote=-1, user="user2"))]
    lines += [entry(n, request(n)) for n in range(31, 36)]
    whole = Log(tmp_path_factory.mktemp("log"), WindowSettings(window_rows=4))
    segment(whole.closed, lines)
    whole.build()
    parts = Log(tmp_path_factory.mktemp("log"), WindowSettings(window_rows=4))
    edges = [0, *sorted(min(cut, len(lines)) for cut in cuts), len(lines)]
    for number, (start, end) in enumerate(pairwise(edges)):
        segment(parts.closed, lines[start:end], count=number + 1)
        if number in built:
            parts.build()
            assert parts.version is not None
            delete_taken(parts.closed, parts.version)
    parts.build()
    assert parts.windows() == whole.windows()
    assert parts.rows()[0]["vote"] == 1


def test_two_services_on_one_folder_are_read_in_the_order_of_their_clocks(log_of: Callable[..., Log]) -> None:
    log = log_of(window_rows=3)
    segment(log.closed, [entry(n, request(n)) for n in (0, 2, 4)], writer="aaaaaaaa")
    segment(log.closed, [entry(n, request(n)) for n in (1, 3, 5)], writer="bbbbbbbb")
    log.build()
    assert [row["response_id"][-1] for row in log.rows()] == list("012345")


def test_nothing_new_changes_nothing_also_after_segments_were_deleted(log_of: Callable[..., Log]) -> None:
    log = log_of()
    segment(log.closed, [*entries(5)[:4], b"torn"])
    segment(log.closed, [entry(40, request(40))], count=2)
    log.build()
    before = log.files()
    log.build()
    assert log.files() == before
    assert log.version is not None
    assert delete_taken(log.closed, log.version) == 1
    assert len(segments(log.closed)) == 1
    log.build()
    assert log.files() == before


def test_a_segment_stays_until_all_of_it_is_in_windows(log_of: Callable[..., Log]) -> None:
    log = log_of()
    segment(log.closed, entries())
    log.build()
    assert log.version is not None
    assert delete_taken(log.closed, log.version) == 0
    segment(log.closed, [entry(number, request(number)) for number in (50, 51, 52)], count=2)
    log.build()
    assert delete_taken(log.closed, log.version) == 1
    assert len(log.rows()) == 12


def test_the_newest_vote_of_the_user_who_asked_counts(log_of: Callable[..., Log]) -> None:
    log = log_of()
    asked = [entry(n, request(n)) for n in range(4)]
    judged = [
        feedback(1, 0, minutes=10, vote=-1, user="user0"),
        feedback(2, 0, minutes=11, vote=1, user="user0"),
        feedback(3, 0, minutes=12, vote=-1, user="somebody"),
        feedback(4, 1, minutes=10, vote=1, user="a"),
        feedback(5, 1, minutes=11, vote=-1, user="b"),
        feedback(6, 2, minutes=12, score=0.5),
        feedback(7, 99, minutes=12, vote=1),
        feedback(8, 3, minutes=13, vote=0),
    ]
    segment(log.closed, [*asked, *(entry(10 + n, record) for n, record in enumerate(judged))])
    log.build()
    assert [(row["vote"], row["feedback"]) for row in log.rows()] == [(1, 3), (-1, 2), (None, 1), (0, 1)]
    assert [row["served"] for row in log.rows("feedback")] == [True] * 6 + [False, True]


def test_feedback_that_came_before_its_response_was_logged_is_joined(log_of: Callable[..., Log]) -> None:
    log = log_of(window_rows=1)
    segment(log.closed, [entry(0, feedback(1, 5, minutes=0, vote=-1))])
    log.build()
    assert log.rows("feedback")[0]["served"] is False
    segment(log.closed, [entry(1, request(5))], count=2)
    log.build()
    assert log.rows()[0]["vote"] == -1
    assert log.rows("feedback")[0]["served"] is True


def test_old_windows_go_and_the_others_keep_their_bytes(log_of: Callable[..., Log]) -> None:
    log = log_of(keep_days=1)
    segment(log.closed, [entry(n, request(n)) for n in range(8)])
    log.build()
    old = log.windows()
    day = 24 * 60
    segment(log.closed, [entry(20 + n, request(20 + n, minutes=day + 5 + n / 9)) for n in range(4)], count=2)
    log.build()
    kept = log.windows()
    assert len(kept) == 2
    assert set(kept.items()) & set(old.items()) == {max(old.items())}


def test_what_cannot_be_read_is_refused_with_its_reason(log_of: Callable[..., Log]) -> None:
    log = log_of(window_rows=2)
    good = entry(1, request(1))
    damaged = good.replace(b"bucket", b"basket")
    wrong = entry(2, request(2, status="many"))
    segment(
        log.closed,
        [
            entry(0, request(0)),
            damaged,
            wrong,
            b"\n",
            entry(3, request(0)),
            entry(4, None, lost=7),
            good,
            good[:50],
        ],
    )
    made = log.build()
    assert made.rows == 2
    assert made.refused == {"duplicate": 1, "invalid_record": 1, "lost": 1, "torn": 3}
    assert (made.metrics["lost"], made.metrics["broken"]) == (7, 4)
    assert not made.checks[0].passed
    assert made.checks[0].severity == "warn"
    wrong_row = next(row for row in log.rows("quarantine") if row["reason"] == "invalid_record")
    assert wrong_row["uri"].endswith("#L3")
    assert "record.request.status" in wrong_row["detail"]
    assert "many" not in wrong_row["detail"]
    again = log.build()
    assert again.checks[0].passed
    assert again.refused == made.refused


def test_erased_documents_and_responses_leave_old_and_new_windows(log_of: Callable[..., Log]) -> None:
    log = log_of(window_rows=2)
    judged = [feedback(n, n, minutes=20, correction="x") for n in (0, 3)]
    segment(log.closed, [entry(n, request(n)) for n in range(4)])
    segment(log.closed, [entry(10 + n, record) for n, record in enumerate(judged)], count=2)
    log.build()
    before = log.windows()
    segment(log.closed, [entry(20 + n, request(20 + n)) for n in range(3)], count=3)
    erased = [
        Erasure("docs/0.md#a", "d0", ""),
        Erasure("docs/21.md", "", ""),
        Erasure("x", f"chatcmpl-{3:032x}", ""),
    ]
    made = log.build(erased)
    assert [int(row["response_id"][-32:], 16) for row in log.rows()] == [1, 2, 20, 22]
    assert log.rows("feedback") == []
    assert made.rows == 4
    assert {row["window"] for row in log.rows()} & {name.split("part-")[1][:-8] for name in before}
    assert log.build(erased).rows == 4


@given(st.lists(st.binary(max_size=60) | st.sampled_from([entry(1, request(1)), b"00000000 {}", b"\n"])))
@settings(deadline=None, max_examples=60)
def test_no_bytes_stop_the_reader(tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]) -> None:
    folder = tmp_path_factory.mktemp("segments")
    content = segment(folder, pieces).read_bytes()
    lines = content.count(b"\n") + (content != b"" and not content.endswith(b"\n"))
    assert len(list(in_order(folder, {}))) == lines
