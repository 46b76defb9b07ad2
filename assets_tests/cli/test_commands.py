"""The commands as people type them, on the built tiny product."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tiny_product import PRODUCT
from typer.testing import CliRunner, Result

from headwater.cli.app import app

runner = CliRunner()


@pytest.fixture
def headwater(built, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HEADWATER_HOME", str(built.folder / "home"))
    monkeypatch.setenv("COLUMNS", "200")

    def invoke(*arguments: str) -> Result:
        return runner.invoke(app, list(arguments))

    return invoke


def parsed(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_status_lists_every_asset_with_its_state(headwater) -> None:
    value = parsed(headwater("status", "--json"))
    assert {row["state"] for row in value["assets"]} == {"fresh"}
    assert len(value["assets"]) == 13
    assert value["releases"] == {PRODUCT: f"{PRODUCT}-v1"}
    assert "release tiny-v1" in headwater("status").stdout


def test_log_names_runs_and_filters_by_path(headwater) -> None:
    rows = parsed(headwater("log", "--prefix", f"{PRODUCT}/chunks/", "--json"))
    assert [row["message"] for row in rows if len(row["parents"]) == 1] == [f"{PRODUCT}/chunks: 40 rows"]
    assert all(row["metadata"]["run_id"] for row in rows)
    assert len(parsed(headwater("log", "-n", "3", "--json"))) == 3


def test_diff_counts_by_asset(headwater, built) -> None:
    assert parsed(headwater("diff", "main", "production", "--json"))["assets"] == []
    root = list(built.lake.log("main"))[-1].id
    added = {
        row["asset"]: row["added"] for row in parsed(headwater("diff", root, "main", "--json"))["assets"]
    }
    assert added[f"{PRODUCT}/chunks"] >= 1
    assert "hold the same" in headwater("diff", "main", "production").stdout


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (f"{PRODUCT}/chunks@main", "bucket create-bucket"),
        (f"{PRODUCT}/release/decision.json@production", '"passed": true'),
        (f"{PRODUCT}/raw@{PRODUCT}-v1", "application/"),
        (f"{PRODUCT}/model", "adapter_model.safetensors"),
        (f"{PRODUCT}/chunks/part-00000.parquet@main", "chunk_id"),
    ],
)
def test_show_prints_rows_files_and_folders(headwater, target: str, expected: str) -> None:
    result = headwater("show", target, "-n", "100")
    assert result.exit_code == 0, result.output
    assert expected in result.stdout


def test_show_gives_rows_to_programs(headwater) -> None:
    rows = parsed(headwater("show", f"{PRODUCT}/chunks", "-n", "2", "--json"))
    assert [row["ordinal"] for row in rows] == [0, 0]


def test_search_and_ask_answer_from_the_release(headwater) -> None:
    hits = parsed(headwater("search", PRODUCT, "labels that are kept beside the fleet", "-k", "3", "--json"))
    assert hits[0]["title"] == "fleet tag-fleet"
    assert len(hits) == 3
    answer = parsed(headwater("ask", PRODUCT, "Label a fleet?", "--json"))
    assert answer["release"] == f"{PRODUCT}-v1"
    assert len(answer["commit"]) == 40
    assert answer["citations"][0]["uri"].startswith("docs/")


def test_people_see_the_same(headwater) -> None:
    assert (
        "1. fleet tag-fleet" in headwater("search", PRODUCT, "labels that are kept beside the fleet").stdout
    )
    assert "from tiny-v1" in headwater("ask", PRODUCT, "Label a fleet?").stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("search", "nothing", "x"), "headwater build nothing"),
        (("search", PRODUCT, "x", "--method", "magic"), "hybrid"),
        (("show", f"{PRODUCT}/nothing@main"), "nothing"),
        (("log", "no-such-ref"), "no-such-ref"),
        (("status", "--branch", "bad name"), "bad name"),
        (("build", "nothing"), "no product 'nothing'"),
    ],
)
def test_mistakes_are_answered_in_one_line(headwater, arguments: tuple[str, ...], told: str) -> None:
    result = headwater(*arguments)
    assert result.exit_code == 1
    assert told in result.output
    assert "Traceback" not in result.output


def test_build_and_doctor(headwater, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWATER_HOME", str(tmp_path))
    result = headwater("build", "notes", "--select", "raw", "--json")
    built = parsed(result)
    assert built["succeeded"]
    assert built["assets"]["raw"]["outcome"] == "published"
    assert built["assets"]["raw"]["rows"] > 100
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    (tmp_path / "dagster").mkdir()
    (tmp_path / "dagster" / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    findings = parsed(headwater("doctor", "--deep", "--json"))
    assert all(finding["ok"] for finding in findings)
    assert {"python", "packages", "models", "dagster", "configuration", "disk", "lake"} == {
        f["area"] for f in findings
    }


def test_doctor_names_what_is_wrong_and_how_to_mend_it(headwater, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("HEADWATER_HOME", str(tmp_path))
    monkeypatch.setenv("HEADWATER_BRANCH", "nowhere")
    result = headwater("doctor", "--json")
    assert result.exit_code == 1
    wrong = {finding["area"]: finding for finding in json.loads(result.stdout) if not finding["ok"]}
    assert "DAGSTER_HOME" in wrong["dagster"]["what"]
    assert "nowhere" in wrong["lake"]["what"]
    assert all(finding["remedy"] for finding in wrong.values())
