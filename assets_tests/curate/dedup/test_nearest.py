"""Short texts that are nearly the same, beside what counting words by hand gives."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.curate.dedup.nearest import Nearest, groups

TEXTS = st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=7).map(" ".join), min_size=1, max_size=8)


def near(asked: str, listed: str) -> float:
    left, right = set(asked.split()), set(listed.split())
    jaccard = len(left & right) / len(left | right) if left | right else 0.0
    own, other = (_pairs(text) for text in (listed, asked))
    return max(jaccard, len(own & other) / len(own) if len(own) > 1 else 0.0)


def _pairs(text: str) -> set[tuple[str, ...]]:
    words = text.split()
    return set(pairwise(words)) if len(words) > 1 else {tuple(words)} if words else set()


@settings(max_examples=80, deadline=None)
@given(TEXTS, TEXTS)
def test_the_nearest_is_the_one_that_counting_finds(listed: list[str], asked: list[str]):
    for text, match in zip(asked, Nearest(listed).matches(asked), strict=True):
        best = max(near(text, one) for one in listed)
        assert (match.similarity if match else 0.0) == pytest.approx(best)
        if match:
            assert near(text, listed[match.place]) == pytest.approx(best)


def test_a_text_inside_a_longer_one_is_found():
    [match] = Nearest(["remove the old bucket", "list users"]).matches(
        ["Hello there, could you kindly say how I remove the old bucket without any risk at all?"]
    )
    assert match
    assert (match.place, match.similarity) == (0, 1.0)


def test_nothing_is_near_nothing():
    assert Nearest([]).matches(["a"]) == [None]
    assert Nearest(["a b"]).matches([]) == []
    assert Nearest(["a b", ""]).matches(["", "c"]) == [None, None]


def test_groups_are_named_by_their_first_text(tmp_path: Path):
    texts = [
        "How do I list the users?",
        "Delete a bucket",
        "how do i list the users",
        "Create a bucket",
        "How do I list the users? (1)",
        "",
        "",
    ]
    assert groups(texts, 0.7, tmp_path) == [0, 1, 0, 3, 0, 5, 5]
    assert groups([], 0.7, tmp_path) == []
    assert groups(texts * 3, 0.7, tmp_path)[:7] == groups(texts, 0.7, tmp_path)
