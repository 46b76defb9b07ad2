from __future__ import annotations

import json
from collections import Counter, defaultdict

import pytest
from pydantic import ValidationError

from headwater.schemas import QUARANTINE, TRAINING_SET
from headwater.tables import read_rows
from headwater.train.training_set import EmptySplit, TrainingSetMaker


@pytest.fixture
def rows(documents):
    return documents.catalogue(documents.services)


def by_uri(folder):
    return {row["uri"]: row for row in read_rows(folder)}


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.parquet")}


def test_every_labelled_pair_becomes_an_example_that_satisfies_the_schema(make_training_set, rows):
    produced, folder = make_training_set(rows)
    assert produced.rows == len(rows) // 2
    assert TRAINING_SET.audit(folder).passed
    assert QUARANTINE.audit(folder / "quarantine").passed
    example = next(read_rows(folder))
    assert example["completion"].startswith("aws service")
    assert example["prompt"].endswith("Question: To create a lake")
    assert json.loads(example["messages"])[-1] == {"role": "assistant", "content": example["completion"]}


def test_no_group_stands_in_two_splits_and_all_splits_are_there(make_training_set, rows):
    _, folder = make_training_set(rows)
    splits = defaultdict(set)
    for row in read_rows(folder):
        splits[row["group"]].add(row["split"])
    assert all(len(found) == 1 for found in splits.values())
    assert {split for found in splits.values() for split in found} == {"train", "validation", "test"}


def test_the_right_document_stands_in_the_prompt_at_any_place(make_training_set, rows):
    _, folder = make_training_set(rows)
    places = Counter()
    for row in read_rows(folder):
        service, name = row["completion"].split()[1:3]
        right = f"operations/{service}/service.json#{name}"
        assert len(row["context_uris"]) == 3
        assert len(set(row["context_uris"])) == 3
        places[row["context_uris"].index(right)] += 1
    assert min(places[place] for place in range(3)) > 0.2 * sum(places.values())


def test_negatives_never_come_from_another_split(make_training_set, rows):
    _, folder = make_training_set(rows)
    split_of_service = {row["group"]: row["split"] for row in read_rows(folder)}
    for row in read_rows(folder):
        services = [uri.split("/")[1] for uri in row["context_uris"]]
        assert {split_of_service[service] for service in services} == {row["split"]}


def test_negatives_are_hard(make_training_set, rows):
    _, folder = make_training_set(rows)
    for row in read_rows(folder):
        verb, noun = row["completion"].split()[2].split("-")
        others = [line for line in row["prompt"].splitlines()[:-1] if f"{verb}-{noun}:" not in line]
        assert all(verb in line or noun in line for line in others)


def test_a_pair_without_its_document_is_quarantined(make_training_set, rows, documents):
    produced, folder = make_training_set([*rows, documents.example("service00", "drain-swamp")])
    assert produced.refused == {"no_matching_document": 1}
    (refusal,) = read_rows(folder / "quarantine")
    assert (refusal["reason"], refusal["detail"]) == (
        "no_matching_document",
        "no document for service00 drain-swamp",
    )
    assert refusal["uri"] not in by_uri(folder)


def test_a_labelled_document_without_its_label_is_quarantined(make_training_set, rows, documents):
    bare = documents.document("examples", "service00/x.rst#0", "t", "text", {"service": "service00"})
    produced, folder = make_training_set([*rows, bare])
    assert produced.refused == {"no_label": 1}
    assert "attribute question" in next(read_rows(folder / "quarantine"))["detail"]


def test_a_document_of_another_split_is_never_shown(make_training_set, rows, documents):
    _, folder = make_training_set(rows)
    split_of_service = {row["group"]: row["split"] for row in read_rows(folder)}
    tested = next(service for service, split in split_of_service.items() if split == "test")
    trained = next(service for service, split in split_of_service.items() if split == "train")
    pair, answer = documents.example(trained, "drain-swamp"), documents.operation(tested, "drain-swamp")
    produced, _ = make_training_set([*rows, pair, answer], relevant_by=("operation",))
    assert produced.refused == {"no_matching_document": 1}


def test_without_passages_every_pair_is_kept(make_training_set, rows, documents):
    produced, folder = make_training_set(
        [*rows, documents.example("service00", "drain-swamp")], context_passages=0
    )
    assert produced.refused == {}
    assert all(row["context_uris"] == [] and "[1]" not in row["prompt"] for row in read_rows(folder))


def test_a_new_service_moves_no_other(make_training_set, documents, rows):
    _, before = make_training_set(rows)
    _, after = make_training_set([*rows, *documents.catalogue(["another", "one-more"])])
    old, new = by_uri(before), by_uri(after)
    assert {uri: row["split"] for uri, row in old.items()} == {uri: new[uri]["split"] for uri in old}


def test_a_cap_keeps_a_stable_subset(make_training_set, rows):
    small, smaller = (make_training_set(rows, max_examples=count) for count in (120, 80))
    assert (small[0].rows, smaller[0].rows) == (120, 80)
    assert set(by_uri(smaller[1])) < set(by_uri(small[1]))
    assert smaller[0].metrics["over_cap"] == len(rows) // 2 - 80


def test_the_same_rows_give_the_same_bytes(make_training_set, rows):
    assert contents(make_training_set(rows)[1]) == contents(make_training_set(rows)[1])


def test_an_empty_split_says_what_to_do(make_training_set, documents):
    with pytest.raises(EmptySplit, match=r"train split .* is empty \(examples: 8, groups: 1"):
        make_training_set(
            documents.catalogue(["service01"]), shares={"train": 0.98, "validation": 0.01, "test": 0.01}
        )


def test_without_labels_examples_are_made_from_passages(make_training_set, documents):
    rows = [
        documents.document(
            "notes",
            f"package{number}/METADATA",
            f"package {number}",
            f"package {number}\n\nPackage {number} does thing {number}. More.",
            {},
            section="Guide > Usage" if number % 2 else "",
        )
        for number in range(40)
    ]
    produced, folder = make_training_set(rows)
    assert TRAINING_SET.audit(folder).passed
    assert "the sources examples hold no pair" in produced.text["origin"]
    found = by_uri(folder)
    one, two = found["notes/package1/METADATA"], found["notes/package2/METADATA"]
    assert one["prompt"].endswith("Question: What does package 1 say about Usage?")
    assert two["prompt"].endswith("Question: What is package 2 about?")
    assert two["completion"] == "Package 2 does thing 2."
    assert two["completion"] in two["prompt"]
    assert (two["origin"], two["group"]) == ("passage", "package2")
    assert len(two["context_uris"]) == 3


def test_a_lone_document_cannot_be_judged_but_is_no_error(make_training_set, documents):
    only = documents.document("notes", "a.md", "A", "Something is said here.", {})
    produced, folder = make_training_set([only], shares={"train": 1.0, "validation": 0, "test": 0})
    assert produced.metrics["examples/test"] == 0
    assert next(read_rows(folder))["context_uris"] == ["notes/a.md"]


def test_bad_configuration_names_the_field():
    with pytest.raises(ValidationError, match="contxt_passages"):
        TrainingSetMaker.model_validate({"contxt_passages": 2})
    with pytest.raises(ValidationError, match="context_passages"):
        TrainingSetMaker(context_passages=-1)
