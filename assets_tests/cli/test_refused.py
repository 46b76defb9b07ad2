"""`headwater refused`, asked of the tiny product with some documents spoiled."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tiny_product
from typer.testing import CliRunner, Result

from headwater.cli.app import app

runner = CliRunner()


@pytest.fixture(scope="module")
def spoiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("spoiled")
    tiny_product.write_sources(folder / "sources", services=("archive", "bucket"))
    docs = folder / "sources" / "docs"
    (docs / "empty.jsonl").write_text("")
    (docs / "zz_copy.jsonl").write_bytes(sorted(docs.rglob("*-*.jsonl"))[0].read_bytes())
    tiny_product.build_tiny(folder, select=["raw", "bronze", "silver"])
    return folder


@pytest.fixture
def headwater(spoiled: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HEADWATER_HOME", str(spoiled / "home"))

    def invoke(*arguments: str) -> Result:
        return runner.invoke(app, ["refused", tiny_product.PRODUCT, *arguments])

    return invoke


def test_counts_by_tier_step_and_reason(headwater) -> None:
    found = json.loads(headwater("--json").stdout)
    counted = {(row["tier"], row["step"], row["reason"]) for row in found["counts"]}
    assert ("silver", "dedup", "exact_duplicate") in counted
    assert any(tier in ("raw", "bronze") for tier, _, _ in counted)
    assert "exact_duplicate" in headwater().output


def test_the_refusals_for_one_reason(headwater) -> None:
    found = json.loads(headwater("--tier", "silver", "--reason", "exact_duplicate", "--json").stdout)
    assert {row["reason"] for row in found["rows"]} == {"exact_duplicate"}
    assert found["rows"][0]["detail"].startswith("kept ")
    assert found["rows"][0]["excerpt"]
    assert len(json.loads(headwater("--limit", "1", "--json").stdout)["rows"]) == 1
    assert found["rows"][0]["uri"] in headwater("--reason", "exact_duplicate").output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--tier", "gold"), "it has: "),
        (("--step", "nobody"), "dedup"),
        (("--reason", "no_reason"), "exact_duplicate"),
        (("--ref", "nowhere"), "nowhere"),
    ],
)
def test_what_is_not_there_is_answered_with_what_is(headwater, arguments: tuple[str, ...], told: str) -> None:
    result = headwater(*arguments)
    assert result.exit_code == 1
    assert told in result.output
