"""Batch inference as an asset: what changes is answered, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import second_release
import tiny_product

from headwater.building import build
from headwater.components import BatchInference
from headwater.components.batch_inference import BatchInferenceAttributes
from headwater.lake import Lake
from headwater.serve import Released, batch
from headwater.tables import read_rows

LABEL = {"question": "How does one tag an image?", "id": "a", "max_tokens": 4}
LIST = {"question": "List every gateway?", "id": 7, "max_tokens": 4, "temperature": 1.2, "seed": 3}


class Batch:
    """The built product with a file of questions beside it."""

    def __init__(self, folder: Path, **limits: int) -> None:
        self.folder = folder
        self.source = folder / "asked.jsonl"
        component = BatchInference(
            tiny_product.PRODUCT,
            BatchInferenceAttributes.model_validate({"input": str(self.source), "limits": limits}),
        )
        self.definitions = dg.Definitions.merge(
            tiny_product.definitions(folder / "sources"), component.definitions()
        )

    def write(self, *lines: dict[str, Any] | str) -> None:
        text = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        self.source.write_text("\n".join(text) + "\n")

    def run(self) -> Any:
        result = build(
            tiny_product.PRODUCT,
            definitions=self.definitions,
            home=str(self.folder / "home"),
            select=["answers"],
            instance=dg.DagsterInstance.ephemeral(),
        )
        return result.assets["answers"]


@pytest.fixture
def asked(copy: Any) -> Batch:
    return Batch(copy.folder)


def rows(lake: Lake, dataset: str = "") -> list[dict[str, Any]]:
    return list(read_rows(lake.fetch("main", f"tiny/answers/{dataset}")))


def computed(result: Any) -> tuple[float, float]:
    """Answers that were made, and that were taken over."""
    return result.metadata["computed"], result.metadata["taken_over"]


def test_only_what_changed_is_answered(
    asked: Batch, own_lake: Lake, released: Released, tmp_path: Path
) -> None:
    asked.write(LABEL)
    first = asked.run()
    assert (first.outcome, first.rows, computed(first)) == ("published", 1, (1, 0))
    again = asked.run()
    assert (again.outcome, computed(again)) == ("unchanged", (1, 0)), "the metadata is that of the version"
    asked.write(LIST, LABEL, LIST)
    longer = asked.run()
    assert (longer.outcome, computed(longer)) == ("published", (1, 1))
    made = rows(own_lake)
    assert [(row["id"], row["asked"]) for row in made] == [("7", 2), ("a", 1)]
    batch.generate(released, asked.source, tmp_path / "out.jsonl")
    expected = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [row["answer"] for row in made] == [row["answer"] for row in expected[:2]]
    assert [c["chunk_id"] for c in made[0]["citations"]] == [c["chunk_id"] for c in expected[0]["citations"]]
    assert {row["release"] for row in made} == {"tiny-v1"}
    second_release.make_release(own_lake, {})
    moved = asked.run()
    assert (moved.outcome, computed(moved)) == ("published", (2, 0))
    assert {row["release"] for row in rows(own_lake)} == {"tiny-v2"}


def test_lines_that_are_no_questions_are_quarantined_with_their_reason(copy: Any, own_lake: Lake) -> None:
    asked = Batch(copy.folder, questions=2, answer_tokens=4)
    covered = "image tag-image. Adds or overwrites the labels that are kept beside the image. "
    long = {"question": covered * 300, "max_tokens": 4}
    asked.write(LABEL, "", "no question", long, {**LABEL, "max_tokens": 5}, LIST, {"question": " "})
    result = asked.run()
    assert result.rows == 1
    refused = {row["uri"]: row["reason"] for row in rows(own_lake, "quarantine/")}
    assert refused == {
        "input/asked.jsonl#line-3": "not_a_question",
        "input/asked.jsonl#line-4": "prompt_too_long",
        "input/asked.jsonl#line-5": "too_many_tokens",
        "input/asked.jsonl#line-6": "too_many_questions",
        "input/asked.jsonl#line-7": "not_a_question",
    }
    assert str(copy.folder) not in json.dumps(rows(own_lake) + rows(own_lake, "quarantine/"))


def test_without_an_input_nothing_is_published(asked: Batch, own_lake: Lake) -> None:
    result = asked.run()
    assert result.outcome == "failed"
    assert "asked.jsonl is no file" in result.reason
    assert not list(own_lake.list("main", "tiny/answers/"))


def test_a_product_that_was_never_released_answers_nothing(tmp_path: Path) -> None:
    asked = Batch(tmp_path)
    asked.write(LABEL)
    result = asked.run()
    assert "tiny was never released" in result.reason


def test_the_automation_answers_again_after_a_release(asked: Batch) -> None:
    graph = asked.definitions.resolve_asset_graph()
    node = graph.get(dg.AssetKey(["tiny", "answers"]))
    assert node.automation_condition is not None
    assert node.parent_keys == {dg.AssetKey(["tiny", "release"])}


def test_bad_limits_are_named() -> None:
    with pytest.raises(ValueError, match=r"limits\.questions"):
        BatchInferenceAttributes.model_validate({"input": "x", "limits": {"questions": 0}})
