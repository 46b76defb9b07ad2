"""The product of the tests, released twice and moved to lakeFS: every command goes on as before."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import tiny_product
from typer.testing import CliRunner

from headwater.cli.app import app
from headwater.components.resource import Headwater
from headwater.fingerprint import canonical_json
from headwater.lake import Lake, open_lake
from headwater.release import promote
from headwater.serve import open_release
from headwater.settings import Settings
from headwater.versions.lineage import lineage
from headwater.versions.releases import details
from headwater.versions.reproduce import reproduce

QUERY = "takes it away for good"
INDEX = ["raw", "bronze", "silver", "chunks", "embeddings", "index"]


@pytest.fixture(scope="module")
def moved_product(
    built, double, tmp_path_factory: pytest.TempPathFactory, settings_of
) -> tuple[Path, str, dict[str, Any]]:
    """A folder with two releases in its embedded lake, and the location of the copy."""
    folder = tmp_path_factory.mktemp("moved") / "product"
    shutil.copytree(built.folder, folder, symlinks=True)
    docs = folder / "sources" / "docs"
    tiny_product.write_document(docs, "bucket", "delete", "Empties a bucket and then takes it away for good")
    # The index alone decides what is found; the made-up decision saves training and evaluation here.
    assert tiny_product.build_tiny(folder, sources=folder / "sources", select=INDEX).succeeded
    lake = settings_of(folder).open_lake()
    decision = {"passed": True, "conditions": [], "parts": {"index": "other"}}
    with lake.change("main", "decide") as change:
        change.put("tiny/release/decision.json", canonical_json(decision).encode())
    promote(lake, "tiny", commit=lake.resolve("main"), home=folder / "home", metadata={})
    location = double.new_repository()
    result = CliRunner().invoke(
        app,
        ["lake", "copy", "--to", location, "--json"],
        env={"HEADWATER_HOME": str(folder / "home"), "HEADWATER_LAKE": str(folder / "home" / "lake")},
    )
    assert result.exit_code == 0, result.output
    return folder, location, json.loads(result.stdout)


@pytest.fixture
def source(moved_product) -> Lake:
    return open_lake(moved_product[0] / "home" / "lake")


@pytest.fixture
def moved(moved_product, double, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """A copy that a test may change, set as the lake of the commands, with a home of its own."""
    location = double.clone(moved_product[1])
    monkeypatch.setenv("HEADWATER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HEADWATER_LAKE", location)
    monkeypatch.setenv("COLUMNS", "220")
    definitions = tiny_product.definitions(moved_product[0] / "sources")
    monkeypatch.setattr("headwater.building.load_definitions", lambda: definitions)
    return open_lake(location, cache=tmp_path / "home" / "cache" / "lakefs")


def headwater(*arguments: str) -> Any:
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_copy_says_what_it_did(moved_product, source: Lake) -> None:
    done = moved_product[2]
    commits = {commit.id for ref in source.refs("branch").values() for commit in source.log(ref)}
    assert (done["commits"], done["made"]) == (len(commits), len(commits) - 1)
    assert done["decided"] == done["lost"] == []
    assert done["tags"].keys() == {"tiny-v1", "tiny-v2"}
    digests = {
        (item.digest, canonical_json(dict(item.metadata)))
        for commit in commits
        for item in source.list(commit)
    }
    assert done["payloads"] == len(digests)


def test_releases_and_lineage_are_those_of_the_source(moved: Lake, source: Lake) -> None:
    for here, there in zip(details(moved, "tiny"), details(source, "tiny"), strict=True):
        assert (here.name, here.time, here.main_commit, here.scores, here.versions, here.in_production) == (
            there.name, there.time, there.main_commit, there.scores, there.versions, there.in_production
        )  # fmt: skip
    for path, ref in (("tiny/release", "tiny-v1"), ("tiny/index", "production")):
        ours, theirs = lineage(moved, path, ref), lineage(source, path, ref)
        assert ours.raw_files == theirs.raw_files
        assert [(node.id, node.run_id, node.time, node.inputs) for node in ours.nodes] == [
            (node.id, node.run_id, node.time, node.inputs) for node in theirs.nodes
        ]
        assert [node.commit for node in ours.nodes] == [moved.resolve(node.commit) for node in theirs.nodes]


def test_the_commands_answer_from_it_and_a_rollback_moves_no_bytes(moved: Lake, double) -> None:
    assert [row["name"] for row in headwater("releases")] == ["tiny-v1", "tiny-v2"]
    assert "takes it away" in headwater("search", "tiny", QUERY, "-k", "1")[0]["text"]
    assert headwater("ask", "tiny", "Delete a bucket?")["release"] == "tiny-v2"
    double.faults({"method": "POST", "path": "objects/copy", "status": 403, "times": 99})
    done = headwater("rollback", "tiny")
    double.faults()
    assert (done["release"], done["before"], done["moved"]) == ("tiny-v1", "tiny-v2", True)
    assert list(moved.diff("tiny-v1", "production")) == []
    released = open_release(moved, "tiny")
    assert released.release == "tiny-v1"
    assert not any("takes it away" in hit.text for hit in released.search(QUERY, 10))
    assert {node["asset"] for node in headwater("lineage", "tiny/index@production")["nodes"]} == set(INDEX)
    assert headwater("compare", "tiny-v1", "production")["assets"] == []
    assert headwater("status")["releases"] == {"tiny": "tiny-v1"}
    assert headwater("rollback", "tiny", "tiny-v2")["moved"]
    assert headwater("log", "-n", "1", "production")[0]["metadata"]["rolled_back_from"] == "tiny-v1"


def test_a_build_finds_nothing_to_do_and_a_branch_makes_only_what_changed(moved_product, moved: Lake) -> None:
    built = headwater("build", "tiny", "-s", "bronze", "-s", "silver", "-s", "chunks", "-s", "index")
    assert {item["outcome"] for item in built["assets"].values()} == {"unchanged"}
    assert headwater("branch", "create", "dev-alice")["commit"] == moved.resolve("main")
    with moved.change("dev-alice", "by hand") as change:
        change.delete("tiny/evaluation/report.html")
    found = headwater("compare", "main", "dev-alice")["assets"]
    assert [change["asset"] for change in found] == ["evaluation"]
    assert headwater("promote", "dev-alice")["assets"] == ["tiny/evaluation"]
    headwater("branch", "delete", "dev-alice")
    assert [row["name"] for row in headwater("branch", "list", "--all")] == ["main", "production"]
    assert headwater("sweep", "--older-than", "0d")["lake"]["branches"] == []


def test_a_release_is_made_again_from_the_copy(moved_product, moved: Lake, tmp_path: Path) -> None:
    corpus = tiny_product.components(moved_product[0] / "sources")[0]
    definitions = dg.Definitions.merge(
        corpus.definitions(),
        dg.Definitions(resources={"headwater": Headwater()}, executor=dg.in_process_executor),
    )
    settings = Settings.from_environment()
    found = reproduce(settings, "tiny", "tiny-v1", definitions=definitions)
    made = {item.asset: item.verdict for item in found.assets}
    assert {made[name] for name in ("bronze", "silver", "chunks")} == {"equal"}
    assert made["raw"] == "taken over"
    assert [name for name in moved.refs("branch") if name.startswith("run-")] == []
