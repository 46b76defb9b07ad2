"""Ids are found in text however many there are."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.versions.traces import any_of

LETTERS = "ab.|-"


@settings(deadline=None)
@given(
    st.sets(st.text(LETTERS, min_size=1, max_size=5), max_size=40),
    st.text(LETTERS, max_size=30),
)
def test_it_finds_what_stands_there_and_nothing_else(values: set[str], text: str) -> None:
    found = any_of(values).findall(text)
    assert bool(found) == any(value in text for value in values)
    assert set(found) <= values
