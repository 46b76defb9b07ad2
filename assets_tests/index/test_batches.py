from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from headwater.index.batches import matrices, padded, plan

lengths = st.lists(st.integers(1, 256), max_size=80)


@given(lengths, st.integers(1, 16), st.integers(1, 32), st.integers(1, 4096))
def test_every_text_is_planned_once_at_the_length_that_follows_from_it_alone(lengths, rows, step, budget):
    tasks = plan(lengths, rows=rows, step=step, token_budget=budget)
    assert sorted(position for task in tasks for position in task.positions) == list(range(len(lengths)))
    for task in tasks:
        assert {padded(lengths[position], step) for position in task.positions} == {task.length}
        assert len(task.positions) <= max(rows, budget // task.length)
    assert [task.length for task in tasks] == sorted((task.length for task in tasks), reverse=True)


@given(st.lists(st.lists(st.integers(1, 30000), min_size=1, max_size=8), max_size=20), st.integers(1, 6))
def test_matrices_have_one_shape_and_give_back_the_ids(ids, rows):
    read: list[list[int]] = []
    for matrix, mask, real in matrices(ids, length=8, rows=rows):
        assert matrix.shape == mask.shape == (rows, 8)
        assert mask.any(axis=1).all()
        read += [row[kept].tolist() for row, kept in zip(matrix[:real], mask[:real], strict=True)]
        assert (matrix[real:] == 0).all()
    assert read == [list(row) for row in ids]


def test_a_dummy_row_is_one_token():
    [(matrix, mask, real)] = list(matrices([[7, 8]], length=4, rows=3))
    assert real == 1
    assert mask.sum(axis=1).tolist() == [2, 1, 1]
    assert np.array_equal(matrix[0], [7, 8, 0, 0])
