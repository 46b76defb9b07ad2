"""A recipe inside a Dagster run: what is published is materialized, what failed its audit is a red check."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from headwater.components.assets import Asset, build_assets
from headwater.components.resource import Headwater
from headwater.lake import Lake, open_lake
from headwater.lake.recipe import Recipe
from headwater.schemas.dataset import NOT_BLANK, STRING, Dataset, column
from headwater.tables import write_rows
from headwater.workspace import Produced, Workspace

WORDS = Dataset("words", "Words.", "word", {"word": column(STRING, "A word", NOT_BLANK)})
KEY = dg.AssetKey(["p", "words"])
CHECK = dg.AssetCheckKey(KEY, "words_schema")


def words(*values: str) -> Callable[[Workspace], Produced]:
    def make(workspace: Workspace) -> Produced:
        rows = write_rows(workspace.out, ({"word": value} for value in values), WORDS.arrow, key="word")
        return Produced(
            rows=rows,
            metrics={"characters": sum(map(len, values))},
            refused={"too_short": 2},
            tables={"sample": ({"word": values[0], "length": len(values[0])},)},
            text={"remark": "as expected"},
        )

    return make


class Runs:
    """Materializes one asset on an ephemeral instance with its own lake."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.instance = dg.DagsterInstance.ephemeral()

    @property
    def lake(self) -> Lake:
        return open_lake(self.home / "lake")

    def run(self, *values: str, config: dict[str, Any] | None = None) -> dg.ExecuteInProcessResult:
        recipe = Recipe("p", "words", words(*values), code=(), datasets={"": WORDS}, config=config or {})
        assets = build_assets([Asset(recipe, "gold", ("parquet",), "Words.")], owner="team:data")
        resources = {"headwater": Headwater(home=str(self.home))}
        return dg.materialize(assets, instance=self.instance, resources=resources, raise_on_error=False)


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


def test_a_materialization_says_what_was_published_and_where(runs: Runs) -> None:
    result = runs.run("alpha", "beta")
    assert result.success
    materialization = result.asset_materializations_for_node("p__words")[0]
    metadata = {name: entry.value for name, entry in materialization.metadata.items()}
    assert metadata["dagster/row_count"] == 2
    assert (metadata["outcome"], metadata["branch"], metadata["characters"]) == ("published", "main", 9)
    assert runs.lake.resolve("main") == metadata["commit"]
    assert metadata["refused_total"] == 2
    assert [record.data for record in metadata["sample"].records] == [{"word": "alpha", "length": 5}]
    assert metadata["remark"] == "as expected"
    assert metadata["seconds"] > 0
    assert result.get_asset_check_evaluations()[0].passed


def test_an_unchanged_rerun_keeps_the_data_version(runs: Runs) -> None:
    version = "dagster/data_version"
    first, second = (runs.run("alpha").asset_materializations_for_node("p__words")[0] for _ in range(2))
    assert first.tags is not None
    assert second.tags is not None
    assert first.tags[version] == second.tags[version]
    assert second.metadata["outcome"].value == "unchanged"


def test_a_failed_audit_is_a_red_check_with_the_rows_and_no_materialization(runs: Runs) -> None:
    runs.run("alpha")
    head = runs.lake.resolve("main")
    result = runs.run("alpha", " ", config={"changed": True})
    assert not result.success
    assert runs.lake.resolve("main") == head
    assert result.asset_materializations_for_node("p__words") == []
    evaluation = result.get_asset_check_evaluations()[0]
    assert not evaluation.passed
    assert evaluation.severity is dg.AssetCheckSeverity.ERROR
    table = evaluation.metadata["failing_rows"].value
    assert [(record.data["column"], record.data["check"]) for record in table.records] == [
        ("word", "not_blank")
    ]
    failure = result.failure_data_for_node("p__words")
    assert failure is not None
    assert failure.user_failure_data is not None
    assert "words_schema failed" in (failure.user_failure_data.description or "")
    kept = failure.user_failure_data.metadata["branch"].value
    assert runs.lake.resolve(str(kept)) != head


def test_the_failed_version_is_followed_by_a_good_one(runs: Runs) -> None:
    runs.run(" ")
    assert runs.run("alpha", config={"changed": True}).success
