"""Branches of people: promoted whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny_product

from headwater.lake import Denied
from headwater.versions.branches import OutOfDate, branches, promote_branch


def edit(folder: Path, service: str, text: str) -> None:
    tiny_product.write_document(folder / "sources" / "docs", service, "list", text)


@pytest.mark.parametrize("store", ["embedded", "lakefs"])
def test_a_promoted_branch_brings_its_assets_and_releases_nothing(
    corpus: Path, lake_of, build_corpus
) -> None:
    lake = lake_of(corpus)
    edit(corpus, "bucket", "Shows all that is in a bucket")
    build_corpus(corpus, branch="dev-alice")
    merged = promote_branch(lake, "dev-alice")
    assert merged.moved
    assert merged.assets == tuple(f"tiny/{name}" for name in ("bronze", "chunks", "raw", "silver"))
    assert list(lake.diff("main", "dev-alice")) == []
    assert not promote_branch(lake, "dev-alice").moved
    assert [item.name for item in branches(lake)] == ["dev-alice", "main"]


def test_what_both_sides_published_is_refused_with_the_assets(corpus: Path, lake_of, build_corpus) -> None:
    lake = lake_of(corpus)
    edit(corpus, "bucket", "Shows all that is in a bucket")
    build_corpus(corpus, branch="dev-alice")
    edit(corpus, "cluster", "Shows all that is in a cluster")
    build_corpus(corpus)
    head = lake.resolve("main")
    with pytest.raises(OutOfDate, match=r"tiny/raw.*branch create") as refused:
        promote_branch(lake, "dev-alice")
    assert "tiny/chunks" in refused.value.assets
    assert lake.resolve("main") == head


@pytest.mark.parametrize("name", ["run-1-tiny-raw", "ci-0123456", "production"])
def test_branches_of_runs_and_production_are_not_promoted(corpus: Path, lake_of, name: str) -> None:
    lake = lake_of(corpus)
    lake.create_branch(name)
    with pytest.raises(Denied):
        promote_branch(lake, name)
