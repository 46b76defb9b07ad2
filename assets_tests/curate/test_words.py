from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quality_texts import NASTY, TEXTS, split_words

from headwater.curate.kernels.characters import ALPHA, CODE_POINTS, SPACE, UPPER, character_classes
from headwater.curate.kernels.words import ALPHABETIC, MEANS, hash_words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('He said "go", then left.', ["He", "said", '"', "go", '"', ",", "then", "left", "."]),
        ("a well-known 3.14 e.g. U.S. fact", ["a", "well", "-", "known", "3.14", "e.g.", "U.S.", "fact"]),
        ("don't I'm it's", ["do", "n't", "I", "'m", "it", "'s"]),
        (
            "see https://a.example/x-y, or host.example:80",
            ["see", "https://a.example/x-y", ",", "or", "host.example:80"],
        ),
        ("foo_bar() --option x=y", ["foo_bar", "(", ")", "--option", "x", "=", "y"]),
        ("wait... no…", ["wait", "...", "no", "…"]),
        ("完了。次へ", ["完了。次へ"]),
        ("«Où ?» 5 €", ["«", "Où", "?", "»", "5", "€"]),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert split_words(text)[1] == [expected]


@given(st.lists(TEXTS, max_size=6))
@settings(deadline=None, max_examples=200)
def test_words_cover_the_text_and_are_what_they_are_said_to_be(texts: list[str]) -> None:
    found, listed = split_words(*texts)
    hashes: dict[int, str] = {}
    hashes_by_word: dict[str, int] = {}
    for number, words in enumerate(listed):
        for place, word in enumerate(words, start=int(found.offsets[number])):
            assert hashes.setdefault(int(found.hashes[place]), word) == word
            assert hashes_by_word.setdefault(word, int(found.hashes[place])) == int(found.hashes[place])
            assert int(found.sizes[place]) == len(word.encode())
            assert bool(found.flags[place] & ALPHABETIC) == any(character.isalpha() for character in word)


PIECES = st.lists(
    st.tuples(
        st.text(st.sampled_from("abAB12.,-'\":/()=+*^~_%éÉ日"), max_size=8),
        st.sampled_from([" ", " ", " ", "\n", "  ", " \n", "\t", "\u00a0"]),
    ),
    max_size=14,
).map(lambda pieces: "".join(piece + space for piece, space in pieces))


@given(PIECES)
@settings(deadline=None, max_examples=200)
def test_words_found_in_blocks_are_those_found_one_by_one(text: str) -> None:
    """The bytes that end an array are no block: a short text alone is read one by one."""
    short = text.encode()[:63].decode(errors="ignore")
    alone, _ = split_words(short)
    before, _ = split_words(short, " " * 64)
    for name in ("hashes", "sizes", "lengths", "flags"):
        assert getattr(alone, name).tolist() == getattr(before, name).tolist()


def test_words_that_differ_in_two_bytes_of_the_same_place_have_two_hashes() -> None:
    assert len(set(hash_words(["…#….…a", "…#…a….", "…#….….", "…#…a…a"]))) == 4


def test_letters_and_white_space_are_those_of_python() -> None:
    points = np.arange(CODE_POINTS, dtype=np.uint32).view("U1")
    for bit, members in (
        (ALPHA, np.strings.isalpha(points)),
        (SPACE, np.strings.isspace(points)),
        (UPPER, np.strings.isupper(points)),
    ):
        assert ((character_classes() & bit != 0) == members).all()


def test_symbols_alone_mean_nothing() -> None:
    found, listed = split_words("( x )")
    assert [bool(flag & MEANS) for flag in found.flags] == [False, True, False]
    assert listed == [["(", "x", ")"]]


def test_a_document_of_as_many_words_as_bytes_fits() -> None:
    found, _ = split_words("(" * 1000, "x")
    assert np.diff(found.offsets).tolist() == [1000, 1]


@pytest.mark.parametrize("name", NASTY)
def test_nasty_texts(name: str) -> None:
    split_words(NASTY[name])
