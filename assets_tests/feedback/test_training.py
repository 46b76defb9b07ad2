"""Labels in the training set: in the train split, within the caps, and nowhere else."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from opinions import HELD_OUT, TRAINED, Journal, Product, asked, command, honest, known, passage, quiet
from pydantic import ValidationError
from small_corpus import files_of

from headwater.schemas import QUARANTINE, TRAINING_SET
from headwater.schemas.feedback import ACCEPTED
from headwater.tables import read_rows, write_rows
from headwater.train.from_feedback import FeedbackMix

BASE = 3 * len(TRAINED)
"""Labelled examples in the train split."""


def label(number: int, service: str = TRAINED[0], **changed: Any) -> dict[str, Any]:
    """A row of labels, for a question that is like no other."""
    return {
        "label_id": hashlib.sha256(str(number).encode()).hexdigest(),
        "question": f"alpha{number} beta{number} gamma{number}?",
        "answer": command(service, "tag"),
        "origin": "human",
        "document_id": passage(service, "tag")["document_id"],
        "uri": passage(service, "tag")["uri"],
        "chunk_ids": [passage(service, "tag")["chunk_id"]],
        "users": ["ann", "bob"],
        "votes": 2,
        "against": 0,
        "reviewed": False,
        "response_ids": ["r"],
        "feedback_ids": ["f"],
        "window": "w",
        **changed,
    }


@pytest.fixture
def write(tmp_path: Path):
    def write(rows: list[dict[str, Any]]) -> Path:
        folder = tmp_path / f"labels{len(list(tmp_path.iterdir()))}"
        write_rows(folder, rows, ACCEPTED.arrow, key=ACCEPTED.key)
        return folder

    return write


def learned(folder: Path) -> list[dict[str, Any]]:
    return [row for row in read_rows(folder) if row["uri"].startswith("feedback/")]


def refused(folder: Path) -> dict[str, str]:
    return {row["uri"]: row["reason"] for row in read_rows(folder / "quarantine")}


def test_without_a_label_the_bytes_are_those_of_a_product_that_does_not_listen(product: Product, write):
    deaf, before = product.training_set(None)
    listening, after = product.training_set(write([]))
    assert files_of(before) == files_of(after)
    assert listening.metrics["feedback/share"] == 0.0
    assert not any(name.startswith("feedback") for name in deaf.metrics)


def test_what_people_agree_on_is_trained_on(product: Product):
    _, before = product.training_set(None)
    _, agreed = product.feedback(honest(quiet(Journal())))
    made, after = product.training_set(agreed, max_share=0.5)
    assert TRAINING_SET.audit(after).passed
    assert QUARANTINE.audit(after / "quarantine").passed
    rows = learned(after)
    assert {row["split"] for row in rows} == {"train"}
    assert {row["origin"] for row in rows} == {"feedback", "model"}
    assert made.metrics["feedback/human"] == made.metrics["feedback/model"] == len(TRAINED)
    one = next(row for row in rows if row["completion"] == command("bucket", "tag"))
    assert one["prompt"].endswith(f"Question: {asked('bucket', 'tag')}")
    assert passage("bucket", "tag")["uri"] in one["context_uris"]
    assert (one["group"], len(one["context_uris"])) == ("bucket", 3)
    others = [row for row in read_rows(after) if not row["uri"].startswith("feedback/")]
    assert others == list(read_rows(before))


def test_no_more_than_its_share_of_the_mix(product: Product, write):
    made, folder = product.training_set(write([label(number) for number in range(40)]))
    most = int(BASE / 9)
    assert len(learned(folder)) == most
    assert made.refused == {"feedback_over_cap": 40 - most}
    assert made.metrics["feedback/share"] <= 0.1 < (most + 1) / (BASE + most + 1)


@pytest.mark.parametrize("people", [0, 20])
def test_the_model_s_own_answers_are_at_most_a_fifth(product: Product, write, people: int):
    rows = [label(number, origin="model") for number in range(60)]
    rows += [label(number) for number in range(100, 100 + people)]
    made, folder = product.training_set(write(rows), max_share=0.9)
    most = (BASE + people) // 4
    origins = [row["origin"] for row in learned(folder)]
    assert (origins.count("model"), origins.count("feedback")) == (most, people)
    assert made.refused == {"model_made_over_cap": 60 - most}
    assert made.metrics["feedback/model_share"] <= 0.2


def test_the_best_agreed_come_first(product: Product, write):
    rows = [
        label(1, origin="model", votes=9),
        label(2, votes=2),
        label(3, votes=3),
        label(4, votes=4, against=2),
        label(5, votes=1, reviewed=True),
    ]
    mix = 3.5 / (BASE + 3.5)
    _, folder = product.training_set(write(rows), max_share=mix)
    kept = {row["uri"].removeprefix("feedback/") for row in learned(folder)}
    by_id = {row["label_id"]: number for number, row in enumerate(rows, 1)}
    taken = {by_id[name] for name in kept}
    assert {5, 3} < taken
    assert taken - {5, 3} <= {2, 4}


def test_a_held_out_group_or_question_is_never_trained_on(product: Product, write):
    about = label(1, HELD_OUT[0])
    asks = label(2, question=known(HELD_OUT[0], "create"))
    nearly = label(3, question=f"Please tell me: {known(HELD_OUT[0], 'create').lower()}")
    gone = label(4, document_id="0" * 64)
    _, folder = product.training_set(write([about, asks, nearly, gone]))
    assert learned(folder) == []
    assert {uri.removeprefix("feedback/"): reason for uri, reason in refused(folder).items()} == {
        about["label_id"]: "held_out_group",
        asks["label_id"]: "held_out_question",
        nearly["label_id"]: "held_out_question",
        gone["label_id"]: "no_matching_document",
    }


def test_no_other_example_moves(product: Product, write):
    _, before = product.training_set(None)
    _, after = product.training_set(write([label(number) for number in range(40)]))
    others = [row for row in read_rows(after) if not row["uri"].startswith("feedback/")]
    assert others == list(read_rows(before))


def test_the_model_s_share_cannot_be_raised_above_a_fifth():
    with pytest.raises(ValidationError, match="max_model_share"):
        FeedbackMix(max_model_share=0.3)
