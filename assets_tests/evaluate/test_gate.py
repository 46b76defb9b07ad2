from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from headwater.evaluate.gate import Gate, Improvement, NotWorse, Primary, decide
from headwater.evaluate.measured import Measured

METRIC = "dense/recall@10"


def measured(hits: list[bool], metrics: dict[str, float] | None = None) -> Measured:
    ids = [f"q{number:04d}" for number in range(len(hits))]
    values = {question: float(hit) for question, hit in zip(ids, hits, strict=True)}
    mean = {METRIC: sum(hits) / len(hits)} if hits else {}
    groups = {question: f"g{number % 12}" for number, question in enumerate(ids)}
    return Measured({**mean, **(metrics or {})}, {METRIC: values}, groups)


def hits(share: float, count: int = 400) -> list[bool]:
    return [number % 100 < share * 100 for number in range(count)]


NOT_WORSE = Gate(not_worse_than_production={METRIC: NotWorse(margin=0.02)})
IMPROVES = Gate(must_improve={METRIC: Improvement()})


def test_no_condition_passes():
    assert decide(Gate(), measured(hits(0.5)), None).passed


@pytest.mark.parametrize(("limit", "passed"), [(0.89, True), (0.9, True), (0.91, False)])
def test_a_minimum_is_inclusive(limit: float, passed: bool):
    decision = decide(Gate(minimum={METRIC: limit}), measured(hits(0.9)), None)
    assert decision.passed is passed
    assert decision.conditions[0].measured == pytest.approx(0.9)
    assert f"required >= {limit:g}" in decision.conditions[0].explanation


def test_a_maximum_bounds_from_above():
    gate = Gate(maximum={"language_model/perplexity_after": 8})
    assert decide(gate, measured(hits(0.9), {"language_model/perplexity_after": 7.9}), None).passed
    assert not decide(gate, measured(hits(0.9), {"language_model/perplexity_after": 8.1}), None).passed


def test_what_was_not_measured_does_not_pass():
    gate = Gate(
        minimum={"language_model/exact_match_after": 0.5}, not_worse_than_production={"bm25/mrr@10": {}}
    )
    decision = decide(gate, measured(hits(0.9)), measured(hits(0.9)))
    assert [condition.passed for condition in decision.conditions] == [False, False]
    assert "was not measured" in decision.failed[0].explanation


def test_without_a_release_comparisons_pass_and_say_so():
    for gate in (NOT_WORSE, IMPROVES):
        [condition] = decide(gate, measured(hits(0.1)), None).conditions
        assert condition.passed
        assert "no release" in condition.explanation


def test_the_same_again_is_not_worse_and_no_improvement():
    same = measured(hits(0.8))
    assert decide(NOT_WORSE, same, same).passed
    assert not decide(IMPROVES, same, same).passed


def test_clearly_worse_is_refused_and_clearly_better_passes():
    low, high = measured(hits(0.7)), measured(hits(0.8))
    assert not decide(NOT_WORSE, low, high).passed
    assert decide(NOT_WORSE, high, low).passed
    assert decide(IMPROVES, high, low).passed


def test_a_mean_that_went_up_is_not_enough():
    before = [number % 2 == 0 for number in range(400)]
    after = [not hit for hit in before[:200]] + before[200:]
    after[1] = after[3] = True
    gate = Gate(not_worse_than_production={METRIC: NotWorse(margin=0.001)})
    after[201] = after[203] = True
    assert sum(after) > sum(before)
    assert not decide(gate, measured(after), measured(before)).passed


def test_pairing_sees_what_two_averages_could_not():
    production, candidate = hits(0.5), hits(0.5)
    for number in range(0, 400, 40):
        candidate[number] = False
    [condition] = decide(NOT_WORSE, measured(candidate), measured(production)).conditions
    assert not condition.passed
    assert "400 common questions in 12 groups" in condition.explanation
    assert "would be seen with a power of 80 %" in condition.explanation


def test_only_common_questions_are_compared():
    production = measured(hits(0.8, 400))
    candidate = measured(hits(0.8, 400) + [False] * 100)
    assert candidate.metrics[METRIC] < 0.7
    decision = decide(NOT_WORSE, candidate, production)
    assert decision.passed
    assert "on 400 common questions" in decision.conditions[0].explanation


def test_too_few_common_questions_fall_back_to_the_figures_and_say_so():
    gate = Gate(not_worse_than_production={METRIC: NotWorse(margin=0.1)}, minimum_questions=50)
    [condition] = decide(gate, measured(hits(0.5, 40)), measured(hits(1.0, 40))).conditions
    assert "only 40 questions are common, fewer than 50" in condition.explanation
    assert "without confidence" in condition.explanation
    assert condition.passed is (condition.measured >= -0.1)


def test_a_loss_that_rises_is_worse():
    name = "language_model/loss_after"
    gate = Gate(not_worse_than_production={name: NotWorse(margin=0.05)})
    low, high = measured(hits(0.9), {name: 2.0}), measured(hits(0.9), {name: 2.1})
    assert not decide(gate, high, low).passed
    [condition] = decide(gate, low, high).conditions
    assert condition.passed
    assert condition.measured == pytest.approx(0.1)
    assert "not taken per question" in condition.explanation


def test_one_failed_condition_refuses_and_is_named():
    gate = Gate(minimum={METRIC: 0.95}, not_worse_than_production={METRIC: NotWorse()})
    decision = decide(gate, measured(hits(0.9)), measured(hits(0.9)))
    assert not decision.passed
    assert [condition.name for condition in decision.failed] == [f"minimum {METRIC}"]
    assert decision.as_json()["conditions"][0]["passed"] is False


@given(st.floats(0.05, 0.95), st.floats(0.05, 0.95))
def test_a_decision_does_not_change_when_it_is_taken_again(left: float, right: float):
    candidate, production = measured(hits(left, 120)), measured(hits(right, 120))
    assert decide(NOT_WORSE, candidate, production) == decide(NOT_WORSE, candidate, production)


@pytest.mark.parametrize("field", ["minimum", "maximum", "not_worse_than_production", "must_improve"])
def test_an_unknown_metric_is_refused_when_the_configuration_is_read(field: str):
    value = {"dense/recal@10": {} if "production" in field or "improve" in field else 1.0}
    with pytest.raises(
        ValidationError, match=r"unknown metric 'dense/recal@10'; expected one of: dense/recall@1,"
    ):
        Gate.model_validate({field: value})


def test_bad_values_name_the_field():
    with pytest.raises(ValidationError, match="margin"):
        NotWorse(margin=-1)
    with pytest.raises(ValidationError, match="confidence"):
        NotWorse(confidence=95)
    with pytest.raises(ValidationError, match="minimun"):
        Gate.model_validate({"minimun": {}})


PRIMARY = Gate(
    not_worse_than_production={METRIC: NotWorse(margin=0.05)}, primary=Primary(metric=METRIC, margin=0.01)
)


def test_the_primary_metric_is_superior_equal_or_worse():
    base = hits(0.8)
    worse, equal, better = [*base], [*base], [*base]
    for number in range(0, 400, 13):
        worse[number] = False
    for number in range(80, 400, 100):
        better[number : number + 12] = [True] * 12
    equal[0], equal[81] = False, True
    for candidate, verdict, passed in (
        (worse, "worse", False),
        (equal, "equal", True),
        (better, "superior", True),
    ):
        condition = decide(PRIMARY, measured(candidate), measured(base)).conditions[-1]
        assert condition.name == f"superior or equal {METRIC}"
        assert condition.passed is passed
        assert f": {verdict};" in condition.explanation


def test_a_primary_metric_must_be_guarded_too():
    with pytest.raises(ValidationError, match=f"primary: expected {METRIC} under not_worse_than_production"):
        Gate(primary=Primary(metric=METRIC))


def test_every_paired_condition_says_what_it_could_have_seen():
    gate = Gate(
        minimum={METRIC: 0.1},
        not_worse_than_production={METRIC: NotWorse()},
        must_improve={METRIC: Improvement()},
        primary=Primary(metric=METRIC),
    )
    candidate = hits(0.8)
    candidate[0:40] = [False] * 40
    bound, *paired = decide(gate, measured(candidate), measured(hits(0.8))).as_json()["conditions"]
    assert bound["detectable"] is None
    assert all(item["detectable"] > 0 for item in paired)
    assert all((item["questions"], item["groups"]) == (400, 12) for item in paired)
    guard, improves, primary = paired
    assert improves["detectable"] > guard["detectable"], "two claims share one level"
    assert improves["detectable"] == primary["detectable"]


def test_claims_of_one_decision_share_its_level():
    other = "dense/mrr@10"
    before, after = hits(0.5), hits(0.5)
    for number in (50, 51, 52, 53, 54):
        after[number] = True
    now, then = measured(after), measured(before)
    alone = decide(IMPROVES, now, then).conditions[0]
    both = decide(
        Gate(must_improve={METRIC: Improvement(), other: Improvement()}),
        Measured({**now.metrics, other: 0.5}, {**now.questions, other: then.questions[METRIC]}, now.groups),
        Measured(
            {**then.metrics, other: 0.5}, {**then.questions, other: then.questions[METRIC]}, then.groups
        ),
    ).conditions[1]
    assert alone.passed
    assert alone.p_value == alone.adjusted_p == both.p_value
    assert both.adjusted_p == pytest.approx(2 * alone.p_value)
    assert not both.passed
