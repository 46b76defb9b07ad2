"""What Dagster loads: every asset says what people need to know before the first run."""

from __future__ import annotations

import re
import subprocess
import sys

import dagster as dg
import pytest

from headwater.definitions import defs

HEAVY = [
    "numba",
    "rensa",
    "torch",
    "transformers",
    "faiss",
    "matplotlib",
    "fastapi",
    "ftfy",
    "sklearn",
    "spacy",
]
CHAIN = {
    "raw": set(),
    "bronze": {"raw"},
    "silver": {"bronze"},
    "chunks": {"silver"},
    "training_set": {"silver", "feedback"},
    "inference": set(),
    "feedback": {"inference", "questions", "chunks"},
    "drift": {"inference"},
    "questions": {"silver", "chunks"},
    "embeddings": {"chunks"},
    "index": {"chunks", "embeddings"},
    "base_model": set(),
    "model": {"base_model", "training_set"},
    "profile": {"questions", "index", "base_model"},
    "evaluation": {"questions", "index", "training_set", "base_model", "model"},
}


@pytest.fixture(scope="module")
def loaded() -> dg.Definitions:
    return defs()


def product_specs(loaded: dg.Definitions) -> list[dg.AssetSpec]:
    return [spec for spec in loaded.resolve_all_asset_specs() if len(spec.key.path) == 2]


@pytest.mark.parametrize("product", ["aws_assistant", "notes"])
def test_the_shipped_products_have_the_whole_chain(loaded: dg.Definitions, product: str) -> None:
    found = {
        spec.key.path[1]: {dep.asset_key.path[1] for dep in spec.deps}
        for spec in product_specs(loaded)
        if spec.key.path[0] == product
    }
    assert {name: found[name] for name in CHAIN} == CHAIN
    assert {"evaluation", "index", "model", "profile"} <= found["release"]


def test_every_asset_says_what_it_is(loaded: dg.Definitions) -> None:
    for spec in product_specs(loaded):
        name = spec.key.to_user_string()
        assert spec.description, name
        assert spec.owners, name
        assert spec.kinds, name
        assert spec.group_name == spec.key.path[0], name
        assert re.fullmatch("[0-9a-f]{16}", spec.code_version or ""), name
        assert spec.tags["headwater/tier"], name


def test_columns_and_constraints_show_before_the_first_run(loaded: dg.Definitions) -> None:
    specs = {spec.key.path[1]: spec for spec in product_specs(loaded)}
    for name in (
        "raw",
        "bronze",
        "silver",
        "chunks",
        "questions",
        "training_set",
        "embeddings",
        "evaluation",
    ):
        schema = specs[name].metadata["dagster/column_schema"]
        assert all(column.description for column in schema.columns), name
    chunk_id = specs["chunks"].metadata["dagster/column_schema"].columns[0]
    assert (chunk_id.name, chunk_id.type, chunk_id.constraints.unique) == ("chunk_id", "string", True)
    assert "sha256" in chunk_id.constraints.other


def test_every_dataset_has_its_schema_check(loaded: dg.Definitions) -> None:
    checks = {(key.asset_key.path[-1], key.name) for key in loaded.resolve_asset_graph().asset_check_keys}
    names = ("raw", "bronze", "silver", "chunks", "embeddings", "questions", "training_set")
    assert {(name, f"{name}_schema") for name in names} | {
        ("raw", "quarantine_schema"),
        ("release", "gate"),
    } <= checks


def test_each_product_has_a_job_and_the_automation_runs_by_itself(loaded: dg.Definitions) -> None:
    assert loaded.resolve_job_def("build_notes").asset_layer.executable_asset_keys
    sensor = loaded.resolve_sensor_def("refresh_what_changed")
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING


def test_loading_the_definitions_imports_nothing_heavy() -> None:
    script = f"import sys, headwater.definitions; print([name for name in {HEAVY} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
