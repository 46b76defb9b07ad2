"""The check of a change: judged on a branch of its own, which is gone afterwards."""

from __future__ import annotations

import shutil
from pathlib import Path

import dagster as dg
import pytest
import tiny_product

from headwater.components.resource import Headwater
from headwater.lake import open_lake
from headwater.versions.ci import FAILED, PASSED, REFUSED, check, short_commit
from headwater.versions.summary import markdown

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def corpus_only(folder: Path, **corpus) -> dg.Definitions:
    component = tiny_product.components(folder / "sources", corpus=corpus)[0]
    return dg.Definitions.merge(
        component.definitions(),
        dg.Definitions(resources={"headwater": Headwater()}, executor=dg.in_process_executor),
    )


def test_a_good_change_passes_and_leaves_nothing(corpus: Path, settings_of) -> None:
    lake = open_lake(corpus / "home" / "lake")
    head = lake.resolve("main")
    tiny_product.write_document(corpus / "sources" / "docs", "bucket", "list", "Shows what is in a bucket")
    checked = check(settings_of(corpus), ["tiny"], commit=COMMIT, definitions=corpus_only(corpus))
    assert (checked.exit_code, checked.branch) == (PASSED, "ci-0123456789ab")
    text = markdown(checked)
    assert text.startswith("# Headwater: passed\n")
    assert "| silver | published | 80 |" in text
    assert "| silver | changed | 0 | 0 | 1 |" in text
    assert lake.refs("branch") == {"main": head}


def test_a_failed_audit_is_in_the_summary_with_its_rows(
    corpus: Path, settings_of, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headwater.schemas import CHUNKS
    from headwater.schemas.dataset import Dataset
    from headwater.workspace import CheckOutcome

    failed = CheckOutcome("chunks_schema", False, "1 row", failures=({"column": "text", "value": "a|b"},))
    real = Dataset.audit
    monkeypatch.setattr(
        Dataset, "audit", lambda self, folder: failed if self.name == CHUNKS.name else real(self, folder)
    )
    shutil.rmtree(corpus / "sources" / "docs")
    tiny_product.write_sources(corpus / "sources", tiny_product.SERVICES[:9])
    checked = check(settings_of(corpus), commit=COMMIT, definitions=corpus_only(corpus))
    assert checked.exit_code == FAILED
    text = markdown(checked)
    assert "a build failed" in text
    assert "**chunks: chunks_schema** 1 row" in text
    assert "a\\|b" in text
    assert open_lake(corpus / "home" / "lake").refs("branch").keys() == {"main"}


def test_the_branch_can_be_kept_and_a_left_over_one_is_replaced(corpus: Path, settings_of) -> None:
    definitions = corpus_only(corpus)
    check(settings_of(corpus), commit=COMMIT, keep=True, definitions=definitions)
    lake = open_lake(corpus / "home" / "lake")
    assert "ci-0123456789ab" in lake.refs("branch")
    check(settings_of(corpus), commit=COMMIT, definitions=definitions)
    assert lake.refs("branch").keys() == {"main"}


@pytest.mark.thorough
def test_an_unchanged_product_passes_its_gate_and_a_strict_gate_refuses(copy, settings_of) -> None:
    settings, sources = settings_of(copy.folder), copy.folder / "sources"
    # The copy's folder is another one, which is configuration: raw and bronze are made again, and are equal.
    checked = check(settings, commit=COMMIT, definitions=tiny_product.definitions(built_sources(copy)))
    assert (checked.exit_code, checked.products[0].gate) == (PASSED, "passed"), checked.products[
        0
    ].build.reason
    assert "Nothing differs." in markdown(checked)
    strict = tiny_product.definitions(sources, evaluation={"gate": {"minimum": {"bm25/recall@1": 1.0}}})
    refused = check(settings, commit=COMMIT, definitions=strict)
    assert refused.exit_code == REFUSED
    assert "the gate refused" in markdown(refused)
    assert "| minimum bm25/recall@1 | **no** |" in markdown(refused)
    assert copy.versions("production") == copy.versions("main")


def built_sources(copy) -> Path:
    """The folder that the built product was built from, as its record says."""
    from headwater.lake.records import read_record

    record = read_record(copy.lake, "main", "tiny", "raw")
    assert record is not None
    return Path(record.config["sources"][0]["path"]).parent


def test_a_commit_must_be_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_SHA", raising=False)
    with pytest.raises(ValueError, match="--commit"):
        short_commit()
    with pytest.raises(ValueError, match="--commit"):
        short_commit("main")
    monkeypatch.setenv("GITHUB_SHA", COMMIT)
    assert short_commit() == COMMIT[:12]
