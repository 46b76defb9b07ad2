from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.evaluate.metrics import METRICS, judge, require_known

documents = st.lists(st.integers(0, 15), max_size=20)
relevant = st.sets(st.integers(0, 15), min_size=1)


def test_one_answering_document():
    scores = judge([4, 9, 7, 9], {7})
    assert scores["rank"] == 3
    assert (scores["recall_at_1"], scores["recall_at_5"], scores["recall_at_10"]) == (0, 1, 1)
    assert scores["mrr_at_10"] == pytest.approx(1 / 3)
    assert scores["ndcg_at_10"] == pytest.approx(1 / math.log2(4))


def test_several_answering_documents_count_by_share_and_each_once():
    scores = judge([1, 1, 5, 2], {1, 2})
    assert (scores["recall_at_1"], scores["recall_at_5"]) == (0.5, 1)
    ideal = 1 + 1 / math.log2(3)
    assert scores["ndcg_at_10"] == pytest.approx((1 + 1 / math.log2(5)) / ideal)


def test_beyond_the_tenth_passage_is_not_found():
    assert set(judge([*range(10), 99], {99}).values()) == {0}
    assert judge([*range(9), 99], {99})["rank"] == 10


def test_nothing_ranked_scores_nothing():
    assert set(judge([], {1}).values()) == {0}


@given(documents, relevant)
def test_scores_are_shares_and_agree_with_each_other(ranked, wanted):
    scores = judge(ranked, wanted)
    assert all(0 <= scores[name] <= 1 for name in scores if name != "rank")
    assert scores["recall_at_1"] <= scores["recall_at_5"] <= scores["recall_at_10"]
    assert (scores["rank"] > 0) == (scores["recall_at_10"] > 0) == (scores["ndcg_at_10"] > 0)
    assert scores["mrr_at_10"] == (1 / scores["rank"] if scores["rank"] else 0)


@given(st.lists(st.integers(0, 15), max_size=10, unique=True), relevant)
def test_ndcg_is_that_of_the_definition_for_distinct_documents(ranked, wanted):
    gains = [1 if document in wanted else 0 for document in ranked]
    best = [1] * min(len(wanted), 10)
    discounted = [sum(g / math.log2(place + 2) for place, g in enumerate(row)) for row in (gains, best)]
    assert judge(ranked, wanted)["ndcg_at_10"] == pytest.approx(discounted[0] / discounted[1])


def test_an_unknown_metric_is_named_with_the_known_ones():
    with pytest.raises(
        ValueError, match=r"unknown metric 'dense/recall@3'; expected one of: .*dense/recall@10"
    ):
        require_known(["dense/recall@10", "dense/recall@3"])


def test_losses_are_better_when_lower():
    lower = {name for name, metric in METRICS.items() if not metric.higher_is_better}
    assert lower == {
        f"language_model/{name}"
        for name in (
            "loss_before",
            "loss_after",
            "loss_change",
            "perplexity_before",
            "perplexity_after",
        )
    }
