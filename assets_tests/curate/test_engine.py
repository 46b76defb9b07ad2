"""How silver is composed of steps, and that neither processes nor batches nor a kill change what is made."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from silver_corpus import Row, bronze_row, contents, make_silver

from headwater import tables
from headwater.curate import SilverMaker
from headwater.curate.engine import build, groups, work
from headwater.curate.engine.chain import Chain
from headwater.curate.engine.waterfall import check
from headwater.curate.steps import STEPS, step_class
from headwater.tables import read_rows

WORD_RULES: dict[str, Any] = {"steps": ["normalize", {"step": "quality", "min_words": 3}]}


def corpus(count: int = 60) -> list[Row]:
    words = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    texts = [" ".join(f"{word}{number // 2}" for word in words[: 2 + number % 9]) for number in range(count)]
    return [bronze_row(f"a/{number:03d}", text) for number, text in enumerate(texts)]


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """They take longer than all the rest."""
    for picture in ("draw_waterfall", "draw_scores"):
        monkeypatch.setattr(f"headwater.curate.engine.report.{picture}", lambda *_: None)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MIN_PART_ROWS", 4)
    monkeypatch.setattr(tables, "MAX_PART_ROWS", 12)
    monkeypatch.setattr(groups, "GROUP_ROWS", 10)


def test_steps_are_composed_by_name() -> None:
    made = SilverMaker.model_validate({"steps": ["normalize", {"step": "quality", "min_words": 7}, "pii"]})
    assert [step.name for step in made.steps] == ["normalize", "quality", "pii"]
    assert [step.name for step in SilverMaker().steps] == ["normalize", "language", "quality", "pii"]
    stored = made.model_dump(mode="json", exclude_unset=True)
    assert stored == {"steps": [{"step": "normalize"}, {"step": "quality", "min_words": 7}, {"step": "pii"}]}
    assert SilverMaker.model_validate(stored) == made
    assert SilverMaker.model_validate(made.model_dump(mode="json")).fingerprint == made.fingerprint


@pytest.mark.parametrize("name", STEPS)
def test_every_known_step_is_described_to_those_who_write_yaml(name: str) -> None:
    assert step_class(name).name == name
    choices = SilverMaker.model_json_schema()["properties"]["steps"]["items"]["anyOf"]
    described = [choice for choice in choices if choice.get("properties", {}).get("step") == {"const": name}]
    assert len(described) == 1
    assert described[0]["properties"].keys() >= step_class(name).model_fields.keys()


def test_what_decides_on_the_rows_is_in_the_fingerprint() -> None:
    plain = SilverMaker().fingerprint
    assert SilverMaker.model_validate({"workers": 3}).fingerprint == plain
    for changed in (
        {"steps": ["normalize"]},
        {"steps": ["language", "normalize", "quality", "pii"]},
        {"steps": ["normalize", "language", {"step": "quality", "min_words": 4}, "pii"]},
        {"dedup": {"threshold": 0.9}},
        {"source_order": ["a"]},
    ):
        assert SilverMaker.model_validate(changed).fingerprint != plain


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        (["normalise"], r"steps\.0\n.*unknown step 'normalise'; known are: .*normalize, .*quality"),
        (["normalize", {"step": "quality", "min_words": "many"}], r"steps\.1\.min_words"),
        ([{"step": "quality", "colour": 1}], r"steps\.0\.colour"),
        ([{"min_words": 1}], r"steps\.0\n.*a step is its name or a mapping"),
        (["nowhere.at_all:Step"], r"steps\.0\n.*cannot be loaded"),
        (["silver_steps:Looser"], r"steps\.0\n.*no subclass"),
    ],
)
def test_a_wrong_step_stops_at_load_and_names_the_field(steps: list[Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        SilverMaker.model_validate({"steps": steps})


def test_a_step_of_ones_own_annotates_and_refuses(tmp_path: Path) -> None:
    rows = [bronze_row("a/1", "odd"), bronze_row("a/2", "even"), bronze_row("a/3", "too long a text")]
    chain: dict[str, Any] = {"steps": [{"step": "silver_steps:Measure", "most": 10}]}
    out, produced = make_silver(tmp_path, rows, **chain)
    kept = list(read_rows(out))
    assert json.loads(kept[0]["annotations"]) == {
        "both": [3, 1], "even": False, "label": 'a "quoted"\n', "length": 3, "share": 0.75,
    }  # fmt: skip
    assert json.loads(kept[1]["annotations"])["share"] is None
    assert (kept[0]["language"], kept[0]["words"], kept[0]["redactions"]) == (None, None, "{}")
    assert produced.refused == {"too_many": 1}
    assert {row["measure"] for row in produced.tables["scores"]} == {"even", "length", "share"}


@pytest.mark.usefixtures("no_pictures")
def test_a_looser_rule_judges_only_those_that_it_refused(tmp_path: Path) -> None:
    rows = corpus()

    def chain(most: int) -> dict[str, Any]:
        return {"steps": ["normalize", {"step": "silver_steps:Measure", "most": most}, "quality"]}

    strict, before = make_silver(tmp_path, rows, **chain(30))
    refused = before.refused["too_many"]
    assert 0 < refused < len(rows)
    for most, judged in ((45, refused), (25, 60 - before.refused.get("no_text", 0))):
        full, _ = make_silver(tmp_path, rows, **chain(most))
        grown, produced = make_silver(tmp_path, rows, strict, **chain(most))
        assert contents(grown) == contents(full)
        assert produced.metrics["documents_judged"] == judged


@pytest.mark.usefixtures("small_parts", "no_pictures")
def test_processes_and_batches_make_no_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone, expected = make_silver(tmp_path, corpus(), **WORD_RULES, workers=1)
    assert len(list(alone.glob("part-*"))) > 3
    monkeypatch.setattr(build, "LEAST_BYTES_FOR_PROCESSES", 0)
    shared, produced = make_silver(tmp_path, corpus(), **WORD_RULES, workers=2)
    assert contents(shared) == contents(alone)
    assert produced.tables == expected.tables
    monkeypatch.setattr("headwater.curate.engine.job.BATCH_ROWS", 7)
    batched, _ = make_silver(tmp_path, corpus(), **WORD_RULES, workers=1)
    assert contents(batched) == contents(alone)


@pytest.mark.usefixtures("small_parts", "no_pictures")
def test_a_worker_that_fails_stops_the_build_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "LEAST_BYTES_FOR_PROCESSES", 0)
    # Left to itself this process would be done before a helper has started.
    monkeypatch.setattr(work.Worker, "perform", lambda _worker, _task: time.sleep(0.2))
    steps = [{"step": "silver_steps:Broken"}]
    with pytest.raises(work.WorkerFailed, match="this step is broken"):
        make_silver(tmp_path, corpus(400), steps=steps, workers=2)


@pytest.mark.usefixtures("small_parts", "no_pictures")
def test_a_killed_build_continues_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full, _ = make_silver(tmp_path, corpus(), **WORD_RULES)
    judged: list[int] = []
    judge = Chain.judge

    def until_killed(chain: Chain, batch: Any) -> Any:
        if len(judged) == 3:
            raise KeyboardInterrupt
        judged.append(len(batch))
        return judge(chain, batch)

    def counted(chain: Chain, batch: Any) -> Any:
        judged.append(len(batch))
        return judge(chain, batch)

    monkeypatch.setattr(Chain, "judge", until_killed)
    with pytest.raises(KeyboardInterrupt):
        make_silver(tmp_path / "killed", corpus(), name="same", **WORD_RULES)
    done = sum(judged)
    assert 0 < done < 60
    monkeypatch.setattr(Chain, "judge", counted)
    continued, _ = make_silver(tmp_path / "killed", corpus(), name="same", **WORD_RULES)
    assert sum(judged) == 60
    assert contents(continued) == contents(full)


def test_the_check_finds_a_document_that_was_lost(tmp_path: Path) -> None:
    _, produced = make_silver(tmp_path, corpus(), **WORD_RULES)
    assert produced.checks[0].passed
    rows = produced.tables["waterfall"]
    refused = {row["step"]: row["refused"] for row in rows}
    assert check(rows, came_in=60, went_out=produced.rows, refused=refused).passed
    lost = check(rows, came_in=60, went_out=produced.rows - 1, refused=refused)
    assert not lost.passed
    assert lost.failures[0]["where"] == "written"
    assert not check(rows, came_in=61, went_out=produced.rows, refused=refused).passed
    assert not check(rows, came_in=60, went_out=produced.rows, refused={**refused, "quality": 0}).passed


def test_pictures_show_steps_and_scores(tmp_path: Path) -> None:
    _, produced = make_silver(tmp_path, corpus())
    for name in ("waterfall", "scores"):
        assert produced.pictures[name].read_bytes().startswith(b"\x89PNG")
        assert produced.pictures[name].stat().st_size < 150_000
