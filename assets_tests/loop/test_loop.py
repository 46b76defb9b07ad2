"""The circle: its stage, its questions, and once round as a person sees it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from headwater.loop.definitions import loop_definitions
from headwater.loop.processes import environment
from headwater.loop.scenario import EXAMPLES, KNOWN, MISSING, OPERATIONS, Stage, is_asked, read_model
from headwater.loop.timeline import JSON_FILE, MARKDOWN_FILE, Timeline
from headwater.loop.traffic import questions_about, sessions
from headwater.settings import Settings

pytest.importorskip("awscli")


def test_no_question_of_the_traffic_stands_where_a_build_reads(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.publish_documentation(KNOWN)
    published = sorted((stage.sources / EXAMPLES).rglob("*.rst"))
    assert published
    assert not any(is_asked(path) for path in published)
    assert {path.name for path in (stage.sources / OPERATIONS).iterdir()} == set(KNOWN)
    asked = questions_about(KNOWN)
    assert len(asked) > 200
    assert {question.service for question in asked} == set(KNOWN)


def test_sessions_are_about_one_service_each_and_the_same_every_time() -> None:
    questions = questions_about(MISSING)
    drawn = sessions(questions, 150, seed=3)
    assert sum(len(session) for session in drawn) == 150
    assert all(len({question.service for question in session}) == 1 for session in drawn)
    assert all(len(set(session)) == len(session) for session in drawn)
    assert drawn == sessions(questions, 150, seed=3)
    assert drawn != sessions(questions, 150, seed=4)


def test_damage_gives_every_operation_the_text_of_another(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.publish_documentation(["sqs"])
    [path] = (stage.sources / OPERATIONS).rglob("service-2.json*")
    before = read_model(path)["operations"]
    assert stage.damage_documentation() == len(before)
    after = read_model(path)["operations"]
    assert after.keys() == before.keys()
    assert not any(after[name]["documentation"] == before[name]["documentation"] for name in before)
    assert sorted(one["documentation"] for one in after.values()) == sorted(
        one["documentation"] for one in before.values()
    )


def test_the_timeline_is_kept_after_every_event(tmp_path: Path) -> None:
    timeline = Timeline(tmp_path)
    timeline.note("first", "something")
    timeline.note("second")
    rows = json.loads((tmp_path / JSON_FILE).read_text())
    assert [row["what"] for row in rows] == ["first", "second"]
    assert rows[1]["at"] >= rows[0]["at"] >= 0
    assert "| first | something |" in (tmp_path / MARKDOWN_FILE).read_text()


def test_a_folder_of_something_else_is_not_cleared(tmp_path: Path) -> None:
    mine = tmp_path / "sources" / "thesis.txt"
    mine.parent.mkdir()
    mine.write_text("years of work")
    with pytest.raises(ValueError, match="holds something that is no loop's"):
        Stage(tmp_path).clear()
    assert mine.read_text() == "years of work"
    stage = Stage(tmp_path / "new")
    stage.clear()
    stage.publish_documentation(["sqs"])
    stage.clear()
    assert not stage.sources.exists()


def test_the_loop_never_touches_the_lake_of_its_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWATER_LAKE", "lakefs://team/lake")
    monkeypatch.setenv("HEADWATER_ALERT_URLS", "json://somewhere")
    stage = Stage(tmp_path)
    own = {name: value for name, value in environment(stage).items() if name.startswith("HEADWATER_")}
    assert own.keys() == {"HEADWATER_HOME", "HEADWATER_LAKE", "HEADWATER_LOOP"}
    assert Settings.from_environment(own).lake == str(stage.lake)
    resources = loop_definitions(stage).resources or {}
    assert resources["headwater"].settings().lake == str(stage.lake)


@pytest.mark.thorough
@pytest.mark.timeout(1800)
def test_the_loop_closes_without_a_person(tmp_path: Path) -> None:
    """Needs two free ports and ten minutes of two cores."""
    command = [sys.executable, "-m", "headwater", "loop", "--folder", str(tmp_path), "--ui-port", "3079"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    told = {row["what"]: row["told"] for row in json.loads((tmp_path / JSON_FILE).read_text())}
    assert "coverage ok" in told["window 1: known services"]
    assert "coverage drift" in told["window 4: missing services"]
    assert "recall@10 0.000 before" in told["the same questions again"]
    assert "refused" in told["a damaged source was stopped"]
    assert told["headwater rollback"] == "aws_assistant-v2 -> aws_assistant-v1"
