"""The publish protocol on the embedded store, with small makers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from headwater.lake import Lake, NotFound, open_lake
from headwater.lake.publish import AuditFailed, MissingInput, Published, publish
from headwater.lake.recipe import Declared, Pin, Recipe, run_branch
from headwater.lake.records import data_version, read_record
from headwater.schemas.dataset import NOT_BLANK, STRING, Dataset, column
from headwater.tables import read_rows, write_rows
from headwater.workspace import CheckOutcome, Produced, Workspace

WORDS = Dataset("words", "Words.", "word", {"word": column(STRING, "A word", NOT_BLANK)})
Maker = Callable[[Workspace], Produced]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return open_lake(tmp_path / "home" / "lake")


@pytest.fixture
def run(lake: Lake, tmp_path: Path) -> Callable[..., Published]:
    def run(recipe: Recipe, run_id: str = "r1", target: str = "main") -> Published:
        return publish(lake, recipe, target=target, run_id=run_id, home=tmp_path / "home")

    return run


def words(*values: str, calls: list[str] | None = None, checks: tuple[CheckOutcome, ...] = ()) -> Maker:
    def make(workspace: Workspace) -> Produced:
        if calls is not None:
            calls.append("made")
        rows = write_rows(workspace.out, ({"word": value} for value in values), WORDS.arrow, key="word")
        return Produced(rows=rows, metrics={"characters": sum(map(len, values))}, checks=checks)

    return make


def shout(workspace: Workspace) -> Produced:
    rows = [{"word": row["word"].upper()} for row in read_rows(workspace.inputs["words"])]
    return Produced(rows=write_rows(workspace.out, rows, WORDS.arrow, key="word"))


def recipe(maker: Maker, asset: str = "words", **more: Any) -> Recipe:
    return Recipe("p", asset, maker, code=("headwater.tables",), datasets={"": WORDS}, **more)


SHOUTED = recipe(shout, "shouted", inputs=("words",))


def stored(lake: Lake, asset: str, ref: str = "main") -> list[str]:
    return [row["word"] for row in read_rows(lake.fetch(ref, f"p/{asset}/"))]


def test_published_data_stands_on_the_target_with_its_record(lake: Lake, run) -> None:
    published = run(recipe(words("a", "bc")))
    assert published.outcome == "published"
    assert stored(lake, "words", published.commit) == ["a", "bc"]
    record = read_record(lake, "main", "p", "words")
    assert record == published.record
    assert (record.rows, record.metrics) == (2, {"characters": 3})
    assert record.data_version == data_version(lake, "main", "p/words/")
    assert list(lake.refs("branch")) == ["main"]


def test_the_same_again_makes_nothing_and_commits_nothing(lake: Lake, run) -> None:
    calls: list[str] = []
    first = run(recipe(words("a", calls=calls)))
    head = lake.resolve("main")
    second = run(recipe(words("a", calls=calls)), "r2")
    assert (second.outcome, calls, lake.resolve("main")) == ("unchanged", ["made"], head)
    assert second.record == first.record


def test_an_observing_asset_looks_each_time_but_commits_only_news(lake: Lake, run) -> None:
    calls: list[str] = []
    run(recipe(words("a", calls=calls), observes=True))
    head = lake.resolve("main")
    assert run(recipe(words("a", calls=calls), observes=True), "r2").outcome == "unchanged"
    assert (calls, lake.resolve("main")) == (["made", "made"], head)
    assert list(lake.refs("branch")) == ["main"]
    assert run(recipe(words("b", calls=calls), observes=True), "r3").outcome == "published"
    assert stored(lake, "words") == ["b"]


@pytest.mark.parametrize(
    "change",
    [{"config": {"x": 1}}, {"code": ("headwater.settings",)}, {"libraries": ("numpy",)}],
    ids=["configuration", "code", "libraries"],
)
def test_what_decides_the_output_decides_whether_it_is_made(run, change: Mapping[str, Any]) -> None:
    calls: list[str] = []
    base: dict[str, Any] = {
        "product": "p",
        "asset": "words",
        "maker": words("a", calls=calls),
        "datasets": {"": WORDS},
    }
    run(Recipe(**{**base, "code": ("headwater.tables",)}))
    again = run(Recipe(**{**base, "code": ("headwater.tables",), **change}), "r2")
    assert len(calls) == 2
    assert again.outcome == "unchanged", "the data is the same, so nothing downstream is affected"


def test_inputs_decide_too_and_are_recorded(lake: Lake, run) -> None:
    run(recipe(words("a")))
    first = run(SHOUTED)
    run(recipe(words("b"), config={"x": 1}), "r2")
    second = run(SHOUTED, "r2")
    assert stored(lake, "shouted") == ["B"]
    assert second.record.upstream["words"]["data_version"] == data_version(lake, "main", "p/words/")
    assert stored(lake, "words", first.record.upstream["words"]["commit"]) == ["a"]


def test_a_missing_input_says_what_to_build(run) -> None:
    with pytest.raises(MissingInput, match="headwater build p --select words"):
        run(SHOUTED)


def test_a_failed_audit_keeps_its_branch_and_leaves_the_target(lake: Lake, run) -> None:
    run(recipe(words("a")))
    head = lake.resolve("main")
    with pytest.raises(AuditFailed, match="words_schema failed") as caught:
        run(recipe(words("a", "  "), config={"x": 1}), "r2")
    assert lake.resolve("main") == head
    assert lake.resolve(caught.value.branch) == caught.value.commit
    assert stored(lake, "words", caught.value.branch) == ["a", "  "]
    assert caught.value.checks[0].failures[0]["check"] == "not_blank"


def test_a_retry_after_a_failed_audit_makes_it_anew(lake: Lake, run) -> None:
    with pytest.raises(AuditFailed):
        run(recipe(words("  ")))
    assert run(recipe(words("a"))).outcome == "published"
    assert stored(lake, "words") == ["a"]


@pytest.mark.parametrize(("severity", "published"), [("warn", True), ("error", False)])
def test_own_checks_block_by_severity(lake: Lake, run, severity: Any, published: bool) -> None:
    made = words("a", checks=(CheckOutcome("long_enough", passed=False, severity=severity),))
    checked = recipe(made, checks=(Declared("long_enough", "Words are long"),))
    if published:
        assert run(checked).record.checks[1]["passed"] is False
    else:
        with pytest.raises(AuditFailed, match="long_enough"):
            run(checked)


def test_a_maker_that_reports_another_check_is_refused(run) -> None:
    with pytest.raises(Exception, match="declares the checks"):
        run(recipe(words("a", checks=(CheckOutcome("surprise", passed=True),))))


def test_an_exception_in_the_maker_leaves_the_target(lake: Lake, run) -> None:
    def broken(workspace: Workspace) -> Produced:
        (workspace.out / "half").write_text("half")
        raise RuntimeError("disk on fire")

    head = lake.resolve("main")
    with pytest.raises(RuntimeError, match="disk on fire"):
        run(recipe(broken))
    assert lake.resolve("main") == head
    assert run(recipe(words("a"))).outcome == "published"


def test_a_run_killed_before_its_merge_continues_its_branch(lake: Lake, tmp_path: Path, monkeypatch) -> None:
    calls: list[str] = []
    made = recipe(words("a", calls=calls))

    class Killed(BaseException):
        pass

    def dies(*_: object, **__: object) -> str:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(type(lake), "merge", dies)
        with pytest.raises(Killed):
            publish(lake, made, target="main", run_id="r1", home=tmp_path / "home")
    assert lake.resolve(run_branch("r1", made)) != lake.resolve("main")
    assert publish(lake, made, target="main", run_id="r1", home=tmp_path / "home").outcome == "published"
    assert calls == ["made"]
    assert stored(lake, "words") == ["a"]


def test_scratch_survives_an_exception_and_goes_after_publishing(lake: Lake, run, tmp_path: Path) -> None:
    seen: list[str] = []

    def careful(workspace: Workspace) -> Produced:
        note = workspace.scratch / "progress"
        seen.append(note.read_text() if note.exists() else "from the start")
        note.write_text("half way")
        if len(seen) == 1:
            raise RuntimeError("killed")
        return words("a")(workspace)

    with pytest.raises(RuntimeError):
        run(recipe(careful))
    run(recipe(careful), "r2")
    assert seen == ["from the start", "half way"]
    assert list((tmp_path / "home" / "scratch").iterdir()) == []


def test_somebody_elses_version_is_published_over_and_stays_in_history(lake: Lake, run) -> None:
    def meddle(workspace: Workspace) -> Produced:
        with lake.change("main", "by hand", {}) as change:
            change.put("p/words/part-00000.parquet", b"theirs")
        return words("mine")(workspace)

    run(recipe(words("before")))
    run(recipe(meddle, config={"x": 1}), "r2")
    assert stored(lake, "words") == ["mine"]
    assert [commit.message for commit in lake.log("main", prefix="p/words/")].count("by hand") == 1
    assert list(lake.refs("branch")) == ["main"]


def test_an_outside_edit_of_published_data_is_made_good(lake: Lake, run) -> None:
    calls: list[str] = []
    run(recipe(words("a", calls=calls)))
    with lake.change("main", "by hand", {}) as change:
        change.delete("p/words/part-00000.parquet")
        change.put("p/words/junk.txt", b"junk")
    assert run(recipe(words("a", calls=calls)), "r2").outcome == "published"
    assert stored(lake, "words") == ["a"]
    with pytest.raises(NotFound):
        lake.fetch("main", "p/words/junk.txt")


def test_a_branch_is_an_environment(lake: Lake, run) -> None:
    run(recipe(words("a")))
    lake.create_branch("dev-x", "main")
    head = lake.resolve("main")
    run(recipe(words("b"), config={"x": 1}), "r2", "dev-x")
    run(SHOUTED, "r2", "dev-x")
    assert stored(lake, "shouted", "dev-x") == ["B"]
    assert lake.resolve("main") == head


def test_pins_read_another_ref_and_count_as_inputs(lake: Lake, run) -> None:
    run(recipe(words("a")))
    lake.tag("kept", "main")
    run(recipe(words("b"), config={"x": 1}), "r2")

    def compare(workspace: Workspace) -> Produced:
        both = [next(read_rows(workspace.inputs[name]))["word"] for name in ("words", "kept")]
        rows = write_rows(workspace.out, [{"word": "-".join(both)}], WORDS.arrow, key="word")
        return Produced(rows=rows)

    def kept(lake: Lake, head: str, versions: Mapping[str, str]) -> Mapping[str, Pin]:
        return {"kept": Pin(lake.resolve("kept"), "p/words/")}

    pinned = recipe(compare, "compared", inputs=("words",), pins=kept)
    published = run(pinned)
    assert stored(lake, "compared") == ["b-a"]
    assert published.record.upstream["kept"]["commit"] == lake.resolve("kept")


def test_two_lakes_agree_on_every_data_version(tmp_path: Path) -> None:
    versions: list[list[str]] = []
    for name in ("one", "two"):
        other = open_lake(tmp_path / name / "lake")
        versions.append(
            [
                publish(other, item, target="main", run_id=name, home=tmp_path / name).record.data_version
                for item in (recipe(words("a", "b")), SHOUTED)
            ]
        )
    assert versions[0] == versions[1]


def test_commit_metadata_lets_a_person_find_the_run(lake: Lake, tmp_path: Path) -> None:
    publish(
        lake,
        recipe(words("a")),
        target="main",
        run_id="r1",
        home=tmp_path / "home",
        metadata={"job": "nightly"},
    )
    change = next(c for c in lake.log("main", prefix="p/words/") if len(c.parents) == 1)
    assert {
        "run_id": "r1",
        "job": "nightly",
        "asset": "words",
        "rows": "1",
    }.items() <= change.metadata.items()
    assert json.loads(change.metadata["checks"]) == {"words_schema": True}


def test_columns_are_declared_once(lake: Lake, run) -> None:
    def other_columns(workspace: Workspace) -> Produced:
        schema = pa.schema([("noun", pa.string())])
        return Produced(rows=write_rows(workspace.out, [{"noun": "a"}], schema, key="noun"))

    with pytest.raises(AuditFailed, match="words_schema"):
        run(recipe(other_columns))


def test_long_names_still_make_a_branch() -> None:
    name = run_branch("0f6c1d5e-8a53-4b8c-9d5b-0c6de4bbcd09", Recipe("p" * 40, "a" * 40, words("x"), code=()))
    assert len(name) <= 100
