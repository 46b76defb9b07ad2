from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from itertools import combinations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.curate.dedup import EXACT, NEAR, Deduplicate, buckets, similarity
from headwater.curate.dedup.find import Duplicates
from headwater.curate.dedup.wording import detail, kept_uri

Find = Callable[..., Duplicates]
WORDS = [f"word{index}" for index in range(2000)]
# So many bands of one value that two texts of similarity 0.5 meet for certain.
CERTAIN = {"permutations": 32, "bands": 32, "threshold": 0.5, "shingle_words": 2}
INVARIANT = settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def kept(found: Duplicates) -> dict[int, int]:
    rows = found.dropped.to_pydict()
    return dict(zip(rows["index"], rows["kept"], strict=True))


def sentence(chance: random.Random, count: int = 60) -> str:
    return " ".join(chance.choices(WORDS, k=count))


def jaccard(left: str, right: str, size: int) -> float:
    one, other = _grams(left, size), _grams(right, size)
    return len(one & other) / len(one | other) if one and other else 0.0


def _grams(text: str, size: int) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.casefold())
    width = min(size, len(words))
    return {tuple(words[at : at + width]) for at in range(len(words) - width + 1)} if words else set()


def by_all_pairs(texts: Sequence[str], ranks: Sequence[int], threshold: float, size: int) -> dict[int, int]:
    cluster = list(range(len(texts)))
    for left, right in combinations(range(len(texts)), 2):
        if texts[left] == texts[right] or jaccard(texts[left], texts[right], size) >= threshold:
            old, new = cluster[right], cluster[left]
            cluster = [new if one == old else one for one in cluster]
    best: dict[int, int] = {}
    for index in sorted(range(len(texts)), key=lambda index: (ranks[index], index)):
        best.setdefault(cluster[index], index)
    return {index: best[cluster[index]] for index in range(len(texts)) if best[cluster[index]] != index}


TEXTS = st.lists(
    st.lists(st.sampled_from(["a", "b", "c", "D", "é", ".", "the end"]), max_size=9).map(" ".join),
    max_size=24,
)


@INVARIANT
@given(TEXTS, st.integers(1, 9), st.randoms(use_true_random=False))
def test_clusters_are_those_of_a_comparison_of_all_pairs(
    find: Find, texts: list[str], batch: int, chance: random.Random
) -> None:
    ranks = [chance.randrange(3) for _ in texts]
    found = find(texts, None, ranks, batch=batch, **CERTAIN)
    assert kept(found) == by_all_pairs(texts, ranks, 0.5, 2)
    for row in found.dropped.to_pylist():
        left, right = texts[row["index"]], texts[row["kept"]]
        expected = 1.0 if left == right else jaccard(left, right, 2)
        assert row["similarity"] == pytest.approx(expected)
        assert row["linked"] == (expected < 0.5)
        assert row["reason"] == (EXACT if left == right else NEAR)


@INVARIANT
@given(TEXTS, st.data())
def test_what_is_known_makes_no_difference(find: Find, texts: list[str], data: st.DataObject) -> None:
    fresh = find(texts, **CERTAIN)
    some = data.draw(st.lists(st.integers(0, max(0, fresh.pairs.num_rows - 1)), unique=True))
    other = find(data.draw(TEXTS), **CERTAIN).pairs
    for known in (fresh.pairs, fresh.pairs.take(some) if fresh.pairs.num_rows else None, other):
        again = find(texts, known=known, **CERTAIN)
        assert again.dropped.equals(fresh.dropped)
        assert again.pairs.equals(fresh.pairs)
    asked: list[int] = []
    assert find(texts, known=fresh.pairs, asked=asked, **CERTAIN).compared == 0
    assert asked == []


@INVARIANT
@given(TEXTS, st.integers(1, 32), st.sampled_from([-99, 0, 99]))
def test_neither_wrong_guesses_nor_buckets_that_are_found_twice_make_a_difference(
    find: Find, texts: list[str], window: int, guessed: int
) -> None:
    usual = find(texts, **CERTAIN, max_compared=window)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(similarity, "GUESSED", guessed)
        patch.setattr(buckets, "KEPT_MEMBERS", 0)
        other = find(texts, **CERTAIN, max_compared=window)
    assert other.dropped.equals(usual.dropped)
    assert other.pairs.equals(usual.pairs)


@INVARIANT
@given(TEXTS, st.integers(1, 3), st.randoms(use_true_random=False))
def test_the_order_of_documents_makes_no_difference(
    find: Find, texts: list[str], window: int, chance: random.Random
) -> None:
    texts = sorted(set(texts))
    order = list(range(len(texts)))
    chance.shuffle(order)
    crowded = {**CERTAIN, "max_compared": window}
    first = find(texts, None, range(len(texts)), **crowded)
    second = find([texts[index] for index in order], None, order, **crowded)
    assert {order[index]: order[other] for index, other in kept(second).items()} == kept(first)
    assert first.pairs.equals(second.pairs)


def test_edited_copies_are_found_with_the_default_settings(find: Find) -> None:
    chance = random.Random(3)
    texts: list[str] = []
    for _ in range(30):
        original = sentence(chance).split()
        texts.append(" ".join(original))
        for edits in (0, 1, 2, 4):
            copy = list(original)
            for _ in range(edits):
                copy[chance.randrange(len(copy))] = chance.choice(WORDS)
            texts.append(" ".join(copy).title() + ("." * edits))
    found = find(texts, batch=50)
    assert kept(found) == by_all_pairs(texts, [0] * len(texts), 0.8, 5)
    assert len(found) > 50


def test_a_document_is_asked_for_only_if_it_may_be_a_duplicate(find: Find) -> None:
    chance = random.Random(4)
    texts = [sentence(chance) for _ in range(50)]
    asked: list[int] = []
    find([*texts, texts[7] + " more", texts[9]], asked=asked)
    assert asked == [7, 50]


def test_one_more_document_costs_the_texts_of_its_own_cluster(find: Find) -> None:
    chance = random.Random(4)
    texts = [text + end for text in (sentence(chance) for _ in range(40)) for end in ("", " one", " two")]
    known = find(texts).pairs
    asked: list[int] = []
    more = [*texts, texts[30] + " three"]
    assert find(more, known=known, asked=asked).dropped.equals(find(more).dropped)
    assert set(asked) <= {30, 31, 32, 120}


def test_exact_duplicates_keep_the_first(find: Find) -> None:
    found = find(["a b c", "x y z", "a b c", "a b c"])
    assert kept(found) == {2: 0, 3: 0}
    assert found.dropped["reason"].to_pylist() == [EXACT, EXACT]


def test_texts_without_words_are_only_exact_duplicates(find: Find) -> None:
    assert kept(find(["...", "!!!", "...", "", ""])) == {2: 0, 4: 3}
    assert kept(find(["...", "..."], exact=False)) == {}


def test_no_documents_have_no_duplicates(find: Find) -> None:
    assert len(find([])) == 0
    assert len(find(["one"])) == 0


def test_a_link_through_others_is_said_to_be_one(find: Find) -> None:
    words = [f"w{index}" for index in range(60)]
    texts = [" ".join(words[start : start + 30]) for start in (0, 2, 4)]
    rows = find(texts).dropped.to_pylist()
    assert [(row["index"], row["kept"], row["linked"]) for row in rows] == [(1, 0, False), (2, 0, True)]
    told = detail("a/b; c", 0.7333, linked=True)
    assert told == "kept a/b; c; similarity 0.733 (linked through others of the cluster)"
    assert kept_uri(told) == "a/b; c"


def test_which_one_stays(find: Find) -> None:
    texts = ["a b c d e f", "a b c d e f!!", "A b c d e f", "a b c d e f"]
    years = [{"year": "2024-05-01"}, {"year": "unknown"}, {"year": "2023-01-01T00:00:00+02:00"}, {}]
    ranks = [2, 1, 1, 0]
    assert set(kept(find(texts, years, ranks)).values()) == {3}
    assert set(kept(find(texts, years, ranks, keep="longest")).values()) == {1}
    assert set(kept(find(texts, years, ranks, keep="oldest")).values()) == {0}
    assert set(kept(find(texts, years, ranks, keep="oldest", oldest_by="year")).values()) == {2}


def test_documents_that_differ_in_a_distinguishing_attribute_stay(find: Find) -> None:
    texts = ["a b c d e f"] * 3 + ["a b c d e f!"] * 3
    attributes = [{"op": "x"}, {"op": "y"}, {"op": "x"}] * 2
    assert kept(find(texts, attributes, distinct_by=["op"])) == {2: 0, 3: 0, 4: 1, 5: 0}


def test_parts_can_be_switched_off(find: Find) -> None:
    texts = ["a b c", "a b c", "A b c"]
    assert kept(find(texts, exact=False, near=False)) == {}
    assert kept(find(texts, near=False)) == {1: 0}
    assert kept(find(texts, exact=False)) == {1: 0, 2: 0}


def test_bad_parameters_are_errors() -> None:
    with pytest.raises(ValueError, match="threshold"):
        Deduplicate(threshold=0)
    with pytest.raises(ValueError, match="bands"):
        Deduplicate(bands=200)
    with pytest.raises(ValueError, match="oldest_by"):
        Deduplicate(oldest_by="year")


def test_only_what_sketches_depend_on_changes_their_fingerprint() -> None:
    base = Deduplicate()
    assert Deduplicate(threshold=0.7, keep="longest", bands=16).sketch_fingerprint == base.sketch_fingerprint
    assert Deduplicate(threshold=0.7).fingerprint != base.fingerprint
    assert Deduplicate(shingle_words=3).sketch_fingerprint != base.sketch_fingerprint
