"""The commands on versions, as people type them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import tiny_product
from typer.testing import CliRunner, Result

from headwater.cli.app import app

runner = CliRunner()


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch, settings_of):
    monkeypatch.setenv("COLUMNS", "220")

    def run(folder: Path, *arguments: str, code: int = 0) -> Result:
        monkeypatch.setenv("HEADWATER_HOME", str(folder / "home"))
        monkeypatch.setenv("HEADWATER_LAKE", settings_of(folder).lake)
        definitions = tiny_product.definitions(folder / "sources")
        monkeypatch.setattr("headwater.building.load_definitions", lambda: definitions)
        result = runner.invoke(app, list(arguments))
        assert result.exit_code == code, result.output
        return result

    return run


def value(result: Result) -> Any:
    return json.loads(result.stdout)


def test_branches_are_created_listed_compared_promoted_and_deleted(copy, invoke) -> None:
    folder = copy.folder
    assert value(invoke(folder, "branch", "create", "dev-alice", "--json"))["branch"] == "dev-alice"
    with copy.lake.change("dev-alice", "by hand") as change:
        change.delete("tiny/evaluation/report.html")
    assert [row["name"] for row in value(invoke(folder, "branch", "list", "--json"))] == [
        "dev-alice", "main", "production",
    ]  # fmt: skip
    assert "dev-alice" in invoke(folder, "branch", "list").stdout
    found = value(invoke(folder, "compare", "main", "dev-alice", "--json"))
    assert [change["asset"] for change in found["assets"]] == ["evaluation"]
    assert "tiny/evaluation" in invoke(folder, "compare", "main", "dev-alice").stdout
    assert value(invoke(folder, "promote", "dev-alice", "--json"))["assets"] == ["tiny/evaluation"]
    assert "already" in invoke(folder, "promote", "dev-alice").stdout
    assert "same" in invoke(folder, "compare", "main", "dev-alice").stdout
    invoke(folder, "branch", "delete", "dev-alice")
    assert "dev-alice" not in copy.lake.refs("branch")
    assert "error:" in invoke(folder, "branch", "delete", "main", code=1).stderr


def test_releases_and_rollback(copy, invoke) -> None:
    (row,) = value(invoke(copy.folder, "releases", "--json"))
    assert (row["name"], row["in_production"]) == ("tiny-v1", True)
    assert "holds it" in invoke(copy.folder, "releases", "tiny").stdout
    assert "first one" in invoke(copy.folder, "rollback", "tiny", code=1).stderr
    assert not value(invoke(copy.folder, "rollback", "tiny", "tiny-v1", "--json"))["moved"]
    assert "already" in invoke(copy.folder, "rollback", "tiny", "tiny-v1").stdout


def test_lineage(built, invoke) -> None:
    found = value(invoke(built.folder, "lineage", "tiny/index@production", "--json"))
    assert {node["asset"] for node in found["nodes"]} == {
        "index",
        "embeddings",
        "chunks",
        "silver",
        "bronze",
        "raw",
    }
    assert "41 original files" in invoke(built.folder, "lineage", "tiny/index").stdout
    uri = "docs/bucket-delete.jsonl"
    (trail,) = value(invoke(built.folder, "lineage", "tiny", "--document", uri, "--json"))
    assert trail["uri"].startswith(uri)
    assert "training_set" in invoke(built.folder, "lineage", "tiny", "--document", uri).stdout
    assert "no tier saw it" in invoke(built.folder, "lineage", "tiny", "--document", "x", code=1).stderr


@pytest.mark.thorough
def test_ci_appends_its_summary_and_exits_by_the_verdict(corpus, invoke, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    # A source that lost most of its files stops the build at once.
    for path in list((corpus / "sources" / "docs").iterdir())[:30]:
        path.unlink()
    arguments = ("ci", "--product", "tiny", "--commit", "0123456789ab", "--summary", str(summary), "--json")
    found = value(invoke(corpus, *arguments, code=1))
    assert found["exit_code"] == 1
    assert "a build failed" in summary.read_text()


def test_forget_says_what_it_would_do_does_it_and_reports(corpus, invoke) -> None:
    dry = value(invoke(corpus, "forget", "tiny", "--uri", "docs/bucket-*", "--dry-run", "--json"))
    assert len(dry["documents"]) == len(dry["files"]) == 4
    assert "bucket-delete" in invoke(corpus, "forget", "tiny", "--uri", "docs/bucket-*", "--dry-run").stdout
    done = value(invoke(corpus, "forget", "tiny", "--uri", "docs/bucket-*", "--reason", "asked to", "--json"))
    assert done["complete"]
    (written,) = (corpus / "home" / "erasures").glob("*.md")
    assert "asked to" in written.read_text()
    partial = invoke(corpus, "forget", "tiny", "--uri", "questions/*archive*", code=2)
    assert "raw keeps `questions/questions.jsonl`" in partial.stdout
    assert "exactly one" in invoke(corpus, "forget", "tiny", code=1).stderr


@pytest.mark.parametrize("store", ["embedded", "lakefs"])
def test_sweep(corpus, invoke) -> None:
    dry = value(invoke(corpus, "sweep", "--older-than", "0d", "--json"))
    assert not dry["applied"]
    assert "would remove" in invoke(corpus, "sweep").stdout
    assert value(invoke(corpus, "sweep", "--older-than", "0d", "--apply", "--json"))["applied"]
    assert "such as 7d" in invoke(corpus, "sweep", "--older-than", "week", code=1).stderr
