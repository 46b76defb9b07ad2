"""The conditions of a gate that compare a candidate with production.

Guards are non-inferiority: the lower confidence bound of the paired difference must not be below minus
the margin. All of them must hold, an intersection-union test, which needs no correction (Berger,
Technometrics 24, 1982). What claims an improvement is tested by paired randomisation, and Holm's correction
covers all claims of one decision. What refuses is not corrected, because that would make refusing harder.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from headwater.evaluate.condition import Condition
from headwater.evaluate.measured import Measured
from headwater.evaluate.metrics import METRICS
from headwater.evaluate.paired import Paired
from headwater.evaluate.rules import Improvement, NotWorse, Primary
from headwater.monitor.correction import holm

Rule = NotWorse | Improvement | Primary


@dataclass(frozen=True)
class Pairing:
    """How questions are paired; see the fields of `Gate` of the same names."""

    minimum_questions: int
    resamples: int
    flips: int
    seed: int


@dataclass(frozen=True)
class _Comparison:
    """A rule about a metric; `paired` is None where its explanation, `unpaired`, decides."""

    metric: str
    rule: Rule
    paired: Paired | None
    unpaired: Condition | None

    @property
    def label(self) -> str:
        return f"{_LABELS[type(self.rule)]} {self.metric}"

    @property
    def claims(self) -> bool:
        """Whether this is tested as an improvement."""
        return self.paired is not None and not isinstance(self.rule, NotWorse)


_LABELS = {NotWorse: "not worse", Improvement: "improves", Primary: "superior or equal"}


def compare_all(
    rules: Sequence[tuple[str, Rule]], candidate: Measured, production: Measured | None, pairing: Pairing
) -> Iterator[Condition]:
    """One condition per rule, in their order. Without a production evaluation they pass and say so."""
    comparisons = [_comparison(name, rule, candidate, production, pairing) for name, rule in rules]
    values = [_p_better(one.rule, one.paired) for one in comparisons if one.paired and one.claims]
    tested = iter(zip(values, holm(values), strict=True))
    for one in comparisons:
        if one.unpaired is not None:
            yield one.unpaired
        elif one.paired is not None and isinstance(one.rule, NotWorse):
            yield _not_worse(one.label, one.rule, one.paired)
        elif one.paired is not None and not isinstance(one.rule, NotWorse):
            yield _improved(one.label, one.rule, one.paired, *next(tested), len(values))


def _comparison(
    name: str, rule: Rule, candidate: Measured, production: Measured | None, pairing: Pairing
) -> _Comparison:
    bare = _Comparison(name, rule, None, None)
    if production is None:
        return _decided(bare, True, None, "passes: production has no release to compare with")
    if name not in candidate.metrics:
        return _decided(bare, False, None, not_measured(name))
    if name not in production.metrics:
        return _decided(bare, True, None, "passes: production's evaluation has no such figure")
    sign = 1.0 if METRICS[name].higher_is_better else -1.0
    now, before = candidate.questions.get(name, {}), production.questions.get(name, {})
    ids = sorted(set(now) & set(before))
    if len(ids) < pairing.minimum_questions:
        measured = sign * (candidate.metrics[name] - production.metrics[name])
        passed = measured > rule.margin if isinstance(rule, Improvement) else measured >= -rule.margin
        return _decided(
            bare,
            passed,
            measured,
            f"{_reason_unpaired(name, len(ids), pairing)}, so the figures themselves are compared, without "
            f"confidence: {candidate.metrics[name]:.4f} against {production.metrics[name]:.4f}",
        )
    paired = Paired(
        [sign * (now[question] - before[question]) for question in ids],
        [candidate.groups[question] for question in ids],
        resamples=pairing.resamples,
        flips=pairing.flips,
        seed=pairing.seed,
    )
    return _Comparison(name, rule, paired, None)


def _decided(one: _Comparison, passed: bool, measured: float | None, explanation: str) -> _Comparison:
    condition = Condition(one.label, passed, measured, _required(one.rule), explanation)
    return _Comparison(one.metric, one.rule, None, condition)


def _not_worse(label: str, rule: NotWorse, paired: Paired) -> Condition:
    bound, detectable = paired.lower_bound(rule.confidence), paired.detectable(1 - rule.confidence)
    return Condition(
        label,
        bound >= -rule.margin,
        bound,
        _required(rule),
        f"{_mean(paired)}, lower bound {bound:+.4f} at confidence {rule.confidence:g}; {_seen(detectable)}",
        questions=paired.questions,
        groups=paired.groups,
        detectable=detectable,
    )


def _improved(
    label: str, rule: Improvement | Primary, paired: Paired, p: float, adjusted: float, claims: int
) -> Condition:
    level = 1 - rule.confidence
    superior = adjusted <= level
    detectable = paired.detectable(level / claims)
    explanation = f"{_mean(paired)}, p {p:.4f} by paired randomisation, {adjusted:.4f} after Holm's method"
    if isinstance(rule, Primary):
        worse = paired.p_worse(rule.margin)
        passed = superior or worse > level
        verdict = "superior" if superior else "equal" if passed else "worse"
        explanation += f"; p {worse:.4f} of being more than {rule.margin:g} worse: {verdict}"
    else:
        passed = superior
    return Condition(
        label,
        passed,
        paired.mean,
        _required(rule),
        f"{explanation}; {_seen(detectable)}",
        questions=paired.questions,
        groups=paired.groups,
        p_value=p,
        adjusted_p=adjusted,
        detectable=detectable,
    )


def _p_better(rule: Rule, paired: Paired) -> float:
    return paired.p_better(rule.margin if isinstance(rule, Improvement) else 0.0)


def _required(rule: Rule) -> str:
    if isinstance(rule, Primary):
        return f"> 0, or not shown to be < {-rule.margin:+g}, with confidence {rule.confidence:g}"
    sign, bound = (">", rule.margin) if isinstance(rule, Improvement) else (">=", -rule.margin)
    return f"{sign} {bound:+g} with confidence {rule.confidence:g}"


def _mean(paired: Paired) -> str:
    asked = f"{paired.questions} common questions in {paired.groups} groups"
    return f"mean improvement {paired.mean:+.4f} on {asked}"


def _seen(detectable: float) -> str:
    return f"a change of {detectable:.4f} would be seen with a power of 80 %"


def _reason_unpaired(name: str, common: int, pairing: Pairing) -> str:
    if not METRICS[name].column:
        return "this figure is not taken per question"
    return f"only {common} questions are common, fewer than {pairing.minimum_questions}"


def not_measured(name: str) -> str:
    """What to say of a metric that an evaluation lacks."""
    return f"{name} was not measured: {METRICS[name].description}"
