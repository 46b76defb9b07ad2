"""The publish protocol does not notice which store it talks to."""

from __future__ import annotations

from pathlib import Path

from headwater.lake.lakefs import LakeFSLake
from headwater.lake.publish import publish
from headwater.lake.recipe import Recipe
from headwater.schemas.dataset import NOT_BLANK, STRING, Dataset, column
from headwater.tables import read_rows, write_rows
from headwater.workspace import Produced, Workspace

WORDS = Dataset("words", "Words.", "word", {"word": column(STRING, "A word", NOT_BLANK)})


def words(workspace: Workspace) -> Produced:
    rows = [{"word": word} for word in ("a", "b")]
    return Produced(rows=write_rows(workspace.out, rows, WORDS.arrow, key="word"))


def shout(workspace: Workspace) -> Produced:
    rows = [{"word": row["word"].upper()} for row in read_rows(workspace.inputs["words"])]
    return Produced(rows=write_rows(workspace.out, rows, WORDS.arrow, key="word"))


def test_two_assets_twice(lake: LakeFSLake, tmp_path: Path) -> None:
    code = ("headwater.tables",)
    made = Recipe("p", "words", words, code=code, datasets={"": WORDS})
    shouted = Recipe("p", "shouted", shout, code=code, datasets={"": WORDS}, inputs=("words",))
    lake._control.protect(["main", "production"])
    for run_id, outcome in (("r1", "published"), ("r2", "unchanged")):
        for recipe in (made, shouted):
            published = publish(lake, recipe, target="main", run_id=run_id, home=tmp_path / "home")
            assert published.outcome == outcome
    assert [row["word"] for row in read_rows(lake.fetch("main", "p/shouted/"))] == ["A", "B"]
    assert list(lake.refs("branch")) == ["main"]
