from __future__ import annotations

import random
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from headwater.curate.dedup import Deduplicate, Deduplicator, Duplicate
from headwater.curate.shingles import ShingleStore, jaccard, shingles, signatures

WORDS = [f"word{index}" for index in range(2000)]


def find(
    folder: Path,
    texts: Sequence[str],
    attributes: Sequence[dict[str, str]] | None = None,
    ranks: Sequence[int] | None = None,
    **settings: object,
) -> dict[int, Duplicate]:
    with ShingleStore(folder / "shingles") as store:
        finder = Deduplicator(Deduplicate.model_validate(settings), store)
        for start in range(0, len(texts), 7):
            part = slice(start, start + 7)
            count = len(texts[part])
            fields = attributes[part] if attributes else [{}] * count
            finder.add(texts[part], fields, ranks[part] if ranks else [0] * count)
        return {found.index: found for found in finder.duplicates()}


def sentence(chance: random.Random, count: int = 60) -> str:
    return " ".join(chance.choices(WORDS, k=count))


def test_exact_duplicates_keep_the_first(tmp_path: Path) -> None:
    found = find(tmp_path, ["a b c", "x y z", "a b c", "a b c"])
    assert {index: (one.kept, one.reason) for index, one in found.items()} == {
        2: (0, "exact_duplicate"),
        3: (0, "exact_duplicate"),
    }


def test_a_better_rank_wins_over_an_earlier_place(tmp_path: Path) -> None:
    assert find(tmp_path, ["a b c", "a b c", "A, b c!"], ranks=[1, 1, 0]).keys() == {0, 1}


def test_near_duplicates_are_those_of_a_comparison_of_all_pairs(tmp_path: Path) -> None:
    chance = random.Random(3)
    texts: list[str] = []
    for _ in range(150):
        original = sentence(chance).split()
        texts.append(" ".join(original))
        for edits in (0, 1, 2, 4):
            copy = list(original)
            for _ in range(edits):
                copy[chance.randrange(len(copy))] = chance.choice(WORDS)
            texts.append(" ".join(copy).title() + ("." * edits))
    sets = [shingles(text, 5) for text in texts]
    parents = list(range(len(texts)))

    def root(index: int) -> int:
        while parents[index] != index:
            index = parents[index]
        return index

    for left in range(len(texts)):
        for right in range(left + 1, len(texts)):
            if jaccard(sets[left], sets[right]) >= 0.8:
                first, second = sorted((root(left), root(right)))
                parents[second] = first
    expected = {index: root(index) for index in range(len(texts)) if root(index) != index}
    found = find(tmp_path, texts)
    assert {index: one.kept for index, one in found.items()} == expected
    assert len(expected) > 250


def test_documents_that_differ_in_a_distinguishing_attribute_stay(tmp_path: Path) -> None:
    texts = ["a b c d e f"] * 3 + ["a b c d e f!"] * 3
    attributes = [{"op": "x"}, {"op": "y"}, {"op": "x"}] * 2
    found = find(tmp_path, texts, attributes, distinct_by=["op"])
    assert {index: one.kept for index, one in found.items()} == {2: 0, 3: 0, 4: 1, 5: 0}


def test_parts_can_be_switched_off(tmp_path: Path) -> None:
    texts = ["a b c", "a b c", "A b c"]
    assert find(tmp_path, texts, exact=False, near=False) == {}
    assert find(tmp_path, texts, near=False).keys() == {1}
    assert find(tmp_path, texts, exact=False).keys() == {1, 2}


@pytest.mark.parametrize("kind", ["equal", "numbered", "crowded"])
def test_many_alike_documents_take_no_quadratic_time(tmp_path: Path, kind: str) -> None:
    chance = random.Random(5)
    base = sentence(chance, 40)
    texts = {
        "equal": [base] * 100_000,
        "numbered": [f"{base} number {index}" for index in range(10_000)],
        "crowded": [f"{base} {sentence(chance, 25)}" for _ in range(5_000)],
    }[kind]
    began = time.process_time()
    found = find(tmp_path, texts)
    assert time.process_time() - began < 30
    assert len(found) == {"equal": 99_999, "numbered": 9_999, "crowded": 0}[kind]


def test_short_texts_are_one_shingle_and_blank_ones_none() -> None:
    assert len(shingles("Two words", 5)) == 1
    assert np.array_equal(shingles("two WORDS", 5), shingles("Two, words!", 5))
    assert len(shingles("...", 5)) == 0


def test_signatures_estimate_the_similarity() -> None:
    chance = random.Random(1)
    left = sentence(chance, 400).split()
    right = [*left[:300], *sentence(chance, 100).split()]
    sets = [shingles(" ".join(one), 5) for one in (left, right)]
    matrix = signatures(sets, 512)
    assert abs((matrix[0] == matrix[1]).mean() - jaccard(*sets)) < 0.08


def test_bad_parameters_are_errors() -> None:
    with pytest.raises(ValueError, match="threshold"):
        Deduplicate(threshold=0)
    with pytest.raises(ValueError, match="bands"):
        Deduplicate(bands=200)
