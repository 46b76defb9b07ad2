"""Quality, toxicity and perplexity of questions, and the tests that look at them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from headwater.monitor import scores
from headwater.monitor.clusters import seeded
from headwater.monitor.judge import judge
from headwater.monitor.measures import not_measured, with_measures
from headwater.monitor.perplexity import prompt_perplexity
from headwater.monitor.profile import Profile, build
from headwater.monitor.rows import Observed, WindowData

Draw = Callable[..., Observed]
INSULT = "You are a stupid idiot and everybody hates your ugly face."
QUESTION = "How do I delete a bucket that still holds objects?"
JUNK = "#### 0x7f3a 9981 %%%% 1233 ## 55"


def test_insults_and_junk_have_scores_that_questions_have_not() -> None:
    pytest.importorskip("profanity_check")
    found = scores.scores_of([QUESTION, INSULT, JUNK, INSULT, ""], ["en", "en", "en", "de", "en"])
    quality, toxicity = found["quality"], found["toxicity"]
    assert quality[0] == quality[1] == 1
    assert quality[2] < 0.8
    assert toxicity[1] > 0.9 > toxicity[0]
    assert np.isnan(toxicity[[3, 4]]).all()


def test_without_the_extra_toxicity_is_left_out_and_the_reason_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scores.importlib.util, "find_spec", lambda name: None)
    assert set(scores.scores_of([QUESTION], ["en"])) == {"quality"}
    assert not_measured(Path("model"), 10) == ["toxicity: the extra `toxicity` is not installed"]
    assert [note.split(":")[0] for note in not_measured(None, 10)] == ["toxicity", "perplexity"]
    assert "switched off" in not_measured(Path("model"), 0)[-1]


def test_perplexity_is_that_of_a_drawn_sample(built) -> None:
    base = built.lake.fetch("production", "tiny/base_model/")
    texts = ["a", *(f"{QUESTION} Number {number}." for number in range(20))]
    found = prompt_perplexity(base, texts, 12, seeded("w-1"))
    again = prompt_perplexity(base, texts, 12, seeded("w-1"))
    assert found.tobytes() == again.tobytes()
    assert 11 <= (~np.isnan(found)).sum() <= 12
    assert np.nanmin(found) > 1
    whole = prompt_perplexity(base, texts, 100, seeded("w-1"))
    assert np.isnan(whole).nonzero()[0].tolist() == [0]
    sampled = ~np.isnan(found)
    np.testing.assert_allclose(found[sampled], whole[sampled], rtol=0.011)
    assert np.isnan(prompt_perplexity(Path("nowhere"), texts, 0, seeded("w-1"))).all()


def test_a_profile_of_the_product_has_all_of_them(built) -> None:
    profile = Profile.load(built.lake.fetch("production", "tiny/profile/"))
    assert {"quality", "perplexity"} <= set(profile.reference.measures)
    assert (~np.isnan(profile.reference.measures["perplexity"])).sum() >= 40
    assert profile.served is None
    assert any("none yet" in note for note in profile.notes)


@pytest.fixture(scope="module")
def measured(draw: Draw) -> Profile:
    """With values as a reference's are."""
    return build("docs@1", _with(draw("reference", 300), toxicity=0.2, perplexity=90.0))


def _with(rows: Observed, *, toxicity: float, perplexity: float, known: int = 10_000) -> Observed:
    chance = seeded("values", str(rows.rows))
    values = {"toxicity": toxicity, "perplexity": perplexity}
    measures = {
        name: (value * chance.lognormal(0, 0.4, rows.rows)).astype(np.float32)
        for name, value in values.items()
    }
    for column in measures.values():
        column[known:] = np.nan
    return replace(rows, measures=measures)


def test_other_values_are_found_in_their_family_and_equal_ones_are_not(measured: Profile, draw: Draw) -> None:
    quiet = _with(draw("quiet", 80), toxicity=0.2, perplexity=90.0)
    verdict = judge(WindowData("w-1", quiet), measured)
    assert {verdict.status("text"), verdict.status("concept")} == {"ok"}
    assert {"toxicity", "perplexity"} <= {shown.name for shown in verdict.shown}
    shifted = _with(draw("shifted", 80), toxicity=0.5, perplexity=300.0)
    found = judge(WindowData("w-2", shifted), measured)
    strong = {
        family: {one.name for one in found.families[family].findings if one.strong}
        for family in ("text", "concept")
    }
    assert strong == {"text": {"toxicity"}, "concept": {"perplexity"}}


def test_quiet_perplexity_alone_says_nothing_of_answers(measured: Profile, draw: Draw) -> None:
    history = []
    for number, perplexity in enumerate((300.0, 90.0, 300.0)):
        rows = replace(draw(f"silent/{number}", 80), down=None, grounded=None)
        window = WindowData(f"w-{number}", _with(rows, toxicity=0.2, perplexity=perplexity))
        history.append(judge(window, measured, history))
    assert [verdict.status("concept") for verdict in history] == ["warn", "insufficient", "drift"]
    assert "too few votes" in history[1].families["concept"].why
    assert "2 of the last 3 windows" in history[2].families["concept"].why


def test_too_few_values_are_no_test(measured: Profile, draw: Draw) -> None:
    few = _with(draw("few", 80), toxicity=0.9, perplexity=900.0, known=29)
    families = judge(WindowData("w-1", few), measured).families
    names = {one.name for family in ("text", "concept") for one in families[family].findings}
    assert not {"toxicity", "perplexity"} & names
    bare = judge(WindowData("w-1", draw("few", 80)), measured)
    assert "toxicity: not known of this window's questions" in bare.notes


def test_no_question_is_no_trouble() -> None:
    none = Observed("one", [], np.zeros(0, np.int64), np.zeros((0, 4), np.float32), np.zeros(0, np.float32))
    assert with_measures(none, "w-1", base_model=None, most=10) is none
