from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from headwater.train.splits import Shares, split_of, unit_hash


def test_shares_are_met_over_many_groups():
    splits = [split_of(f"group {number}", Shares(), seed=1) for number in range(5000)]
    assert splits.count("train") / 5000 == pytest.approx(0.8, abs=0.02)
    assert splits.count("test") / 5000 == pytest.approx(0.1, abs=0.02)


def test_a_larger_train_share_moves_no_group_out_of_test():
    small = Shares(train=0.7, validation=0.2, test=0.1)
    groups = [f"group {number}" for number in range(500)]
    before = {group for group in groups if split_of(group, Shares(), 0) == "test"}
    assert before == {group for group in groups if split_of(group, small, 0) == "test"}


@given(st.integers(), st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_hash_stays_in_the_unit_interval(seed: int, name: str):
    assert 0 <= unit_hash(seed, name) < 1


def test_shares_that_do_not_add_up_are_refused_with_their_sum():
    with pytest.raises(ValidationError, match=r"must add up to 1, not 0\.95"):
        Shares(train=0.8, validation=0.05, test=0.1)
