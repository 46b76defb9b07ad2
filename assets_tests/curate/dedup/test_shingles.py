from __future__ import annotations

import random
import re
from itertools import pairwise

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.curate.dedup.letters import UNSPACED
from headwater.curate.dedup.shingles import shingle_sets, shingles, signatures

ALONE = "".join(f"{chr(first)}-{chr(last)}" for first, last in UNSPACED)
WORD = re.compile(rf"[{ALONE}]|(?:(?![{ALONE}])\w)+")


def sets(texts: list[str], size: int) -> list[np.ndarray]:
    hashes, ends = shingle_sets(pa.array(texts, pa.string()), size)
    return [hashes[begin:end] for begin, end in pairwise(ends)]


def folded(text: str) -> str:
    return "".join(one.casefold() if len(one.casefold()) == 1 else one.lower()[0] for one in text)


def grams(text: str, size: int) -> set[tuple[str, ...]]:
    found = [folded(word) for word in WORD.findall(text)]
    width = min(size, len(found))
    return {tuple(found[at : at + width]) for at in range(len(found) - width + 1)} if found else set()


MIXED = st.sampled_from("aB _-.\n\0éßİσς中文กあ한ק́🙂")
SCRIPTS = st.text(alphabet=st.one_of(MIXED, st.characters(exclude_categories=["Cs"])))


@settings(max_examples=200, deadline=None)
@given(SCRIPTS, SCRIPTS, st.integers(1, 8))
def test_sets_are_those_of_words_in_any_script(left: str, right: str, size: int) -> None:
    one, other = sets([left, right], size)
    first, second = grams(left, size), grams(right, size)
    assert (len(one), len(other)) == (len(first), len(second))
    assert len(np.intersect1d(one, other)) == len(first & second)


def test_a_slice_of_a_column_has_the_shingles_of_its_texts() -> None:
    column = pa.array(["one two", None, "three four", "", "five"], pa.string())
    hashes, ends = shingles(column, 1)
    part, part_ends = shingles(column.slice(2), 1)
    assert np.array_equal(part, hashes[ends[2] :])
    assert part_ends.tolist() == [0, 2, 2, 3]


def test_short_texts_are_one_shingle_and_blank_ones_none() -> None:
    short, same, blank = sets(["two WORDS", "Two, words!", "..."], 5)
    assert np.array_equal(short, same)
    assert len(short) == 1
    assert len(blank) == 0


def test_places_and_numbers_of_words_matter() -> None:
    found = sets(["a b", "b a", "a b a", "a a", "a", "ab"], 8)
    assert len({int(one[0]) for one in found}) == len(found)


def test_a_long_line_is_no_trouble() -> None:
    (one,) = sets(["word " * 1_000_000 + "x" * 1_000_000], 5)
    assert len(one) == 2


def test_signatures_estimate_the_similarity() -> None:
    chance = random.Random(1)
    words = [str(chance.random()) for _ in range(500)]
    hashes, ends = shingles(pa.array([" ".join(words[:400]), " ".join(words[100:])]), 1)
    matrix = signatures(hashes, ends, 512)
    assert matrix.shape == (2, 512)
    assert abs((matrix[0] == matrix[1]).mean() - 0.6) < 0.08
