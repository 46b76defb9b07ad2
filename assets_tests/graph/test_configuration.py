"""Bad configuration stops at load and names the field and what was expected."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from headwater.components import Corpus, EmbeddingIndex, Evaluation, LanguageModel
from headwater.components.corpus import CorpusAttributes

FOLDER = {"name": "docs", "kind": "folder", "path": "docs"}
DEFS = Path(__file__).parents[2] / "platform" / "headwater" / "defs"


@pytest.mark.parametrize(
    ("component", "attributes", "field", "expected"),
    [
        (Corpus, {}, "sources", "required"),
        (Corpus, {"sources": []}, "sources", "at least 1"),
        (Corpus, {"sources": [{"name": "x", "kind": "ftp"}]}, "sources", "'folder'"),
        (Corpus, {"sources": [FOLDER], "max_shrink": 2}, "max_shrink", "less than or equal to 1"),
        (Corpus, {"sources": [FOLDER], "chunk": {}}, "chunk", "not permitted"),
        (Corpus, {"sources": [FOLDER], "chunks": {"max_tokens": "many"}}, "chunks.max_tokens", "integer"),
        (Corpus, {"sources": [FOLDER], "owner": "me"}, "owner", "pattern"),
        (EmbeddingIndex, {"embeddings": {"workers": 0}}, "embeddings.workers", "greater than"),
        (LanguageModel, {"fine_tuning": {"steps": 0}}, "fine_tuning.steps", "greater than or equal to 1"),
        (LanguageModel, {"training_set": {"shares": {"train": 0.9, "test": 0.9}}}, "shares", "1"),
        (Evaluation, {"gate": {"minimum": {"recall": 0.5}}}, "gate", "hybrid/recall@10"),
        (Evaluation, {"questions": {"sources": ["x"]}}, "questions", "relevant_by"),
        (Evaluation, {"evaluation": {"gate": {}}}, "evaluation", "stands beside"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, str | dict) else None,
)
def test_the_field_and_what_was_expected_are_named(
    component: Any, attributes: dict[str, Any], field: str, expected: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        component.attributes_model.model_validate(attributes)
    told = str(caught.value)
    assert expected in told
    assert field.rpartition(".")[2] in told


def test_two_sources_of_one_name_are_refused() -> None:
    twice = CorpusAttributes.model_validate({"sources": [FOLDER, FOLDER]})
    with pytest.raises(ValidationError, match="name of its own"):
        Corpus("product", twice).definitions()


def test_an_unknown_reader_is_answered_with_the_known_ones() -> None:
    attributes = CorpusAttributes.model_validate({"sources": [{**FOLDER, "reader": "word"}]})
    with pytest.raises(ValidationError, match="expected one of text, markdown"):
        Corpus("product", attributes).definitions()


@pytest.mark.parametrize("name", ["Has Spaces", "Upper", "9lives", ""])
def test_a_product_needs_a_plain_name(name: str) -> None:
    attributes = CorpusAttributes.model_validate({"sources": [FOLDER]})
    with pytest.raises(Exception, match="must be named like"):
        Corpus(name, attributes)


@pytest.mark.parametrize("path", sorted(DEFS.glob("*/defs.yaml")), ids=lambda path: path.parent.name)
def test_the_shipped_configuration_uses_no_unknown_field(path: Path) -> None:
    for document in yaml.safe_load_all(path.read_text()):
        module, _, name = document["type"].rpartition(".")
        model = getattr(importlib.import_module(module), name).get_model_cls()
        model.model_validate(document.get("attributes", {}))
