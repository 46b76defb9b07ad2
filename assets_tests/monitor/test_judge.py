"""Verdicts: what calls for one, what confirms it, and what is not judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from headwater.monitor.clusters import seeded
from headwater.monitor.judge import judge
from headwater.monitor.profile import Profile
from headwater.monitor.rows import Observed, Requests, WindowData
from headwater.monitor.two_samples import two_sample_test
from headwater.monitor.verdict import FAMILIES, MonitorConfig, WindowVerdict

Draw = Callable[..., Observed]


def test_quiet_windows_are_ok(profile: Profile, draw: Draw) -> None:
    history: list[WindowVerdict] = []
    for number in range(6):
        window = WindowData(f"w-{number}", draw(f"quiet/{number}", 80), Requests(np.full(240, 90.0), 0))
        history.append(judge(window, profile, history))
    statuses = [verdict.status(family) for verdict in history for family in FAMILIES]
    assert "drift" not in statuses
    assert statuses.count("warn") <= 1
    assert {verdict.status("label") for verdict in history} == {"insufficient"}
    assert {verdict.status("performance") for verdict in history} == {"ok"}


def test_new_content_warns_first_and_drifts_when_confirmed(profile: Profile, draw: Draw) -> None:
    history: list[WindowVerdict] = []
    for number in range(2):
        window = WindowData(f"w-{number}", draw(f"strange/{number}", 80, foreign=0.3))
        history.append(judge(window, profile, history))
    first, second = history
    for family in ("data", "coverage"):
        assert (first.status(family), second.status(family)) == ("warn", "drift")
    assert "one window is not enough" in first.families["data"].why
    assert "2 of the last 2 windows" in second.families["data"].why
    assert second.status("concept") == "ok"
    gap = second.gaps[0]
    assert gap.size >= 60
    assert len(gap.examples) == 3
    assert gap.nearest_document == "docs/far.html"


def test_one_strange_window_among_quiet_ones_is_no_drift(profile: Profile, draw: Draw) -> None:
    history: list[WindowVerdict] = []
    for number, foreign in enumerate((0.3, 0, 0, 0.3)):
        window = WindowData(f"w-{number}", draw(f"once/{number}", 80, foreign=foreign))
        history.append(judge(window, profile, history))
    assert [verdict.status("data") for verdict in history] == ["warn", "ok", "ok", "warn"]


def test_too_few_rows_or_clusters_are_not_judged(profile: Profile, draw: Draw) -> None:
    for window in (draw("few", 20, rows=2, foreign=1), draw("clumped", 10, rows=30, foreign=1)):
        verdict = judge(WindowData("w-1", window), profile)
        assert {verdict.status(family) for family in FAMILIES} == {"insufficient"}
        assert "are needed" in verdict.families["data"].why


def test_windows_that_were_not_judged_or_had_another_profile_confirm_nothing(
    profile: Profile, draw: Draw
) -> None:
    strange = judge(WindowData("w-1", draw("strange/1", 80, foreign=0.3)), profile)
    few = judge(WindowData("w-2", draw("few", 10)), profile, [strange])
    window = WindowData("w-3", draw("strange/3", 80, foreign=0.3))
    assert judge(window, profile, [strange, few]).status("data") == "drift"
    other = strange.model_copy(update={"profile": "other"})
    assert judge(window, profile, [other]).status("data") == "warn"


def test_two_effects_of_one_test_share_its_p(profile: Profile, draw: Draw) -> None:
    rows = draw("strange/1", 80, foreign=0.3)
    centroids, new = judge(WindowData("w-1", rows), profile).families["data"].findings
    reference = profile.reference
    sides = (reference.embeddings, reference.clusters, rows.embeddings, rows.clusters)
    found = two_sample_test(*sides, seeded("w-1", "embeddings"))
    assert centroids.p == new.p == found.p
    assert new.effect == found.lower


def test_texts_of_another_kind_are_found(profile: Profile, draw: Draw) -> None:
    window = draw("longer", 80, length=14)
    verdict = judge(WindowData("w-1", replace(window, kinds={"language": ["de"] * window.rows})), profile)
    strong = {finding.name for finding in verdict.families["text"].findings if finding.strong}
    assert {"words", "language"} <= strong
    assert verdict.status("data") == "ok"
    words = next(one for one in verdict.shown if one.name == "words")
    assert words.psi > 1
    assert words.jensen_shannon > 0.9


def test_thumbs_down_and_unsupported_answers_are_concept_drift(profile: Profile, draw: Draw) -> None:
    history: list[WindowVerdict] = []
    for number in range(2):
        window = draw(f"worse/{number}", 80)
        down = (np.arange(window.rows) % 3 == 0).astype(np.float32)
        worse = replace(window, down=down, grounded=1 - down)
        history.append(judge(WindowData(f"w-{number}", worse), profile, history))
    assert [verdict.status("concept") for verdict in history] == ["warn", "drift"]
    assert {"thumbs down", "unsupported answers"} <= {
        finding.name for finding in history[1].families["concept"].findings if finding.strong
    }
    assert history[1].votes.alarms + history[1].votes.observations > 0


def test_feedback_against_gold_and_slow_answers_have_their_families(profile: Profile, draw: Draw) -> None:
    window = draw("window", 80)
    wrong = (np.arange(window.rows) % 2).astype(np.float32)
    requests = Requests(np.where(np.arange(240) % 4, 100.0, 9000.0).astype(np.float32), 30)
    verdict = judge(WindowData("w-1", replace(window, contradicts=wrong), requests), profile)
    assert verdict.families["label"].strong
    assert {finding.name for finding in verdict.families["performance"].findings if finding.strong} == {
        "failed requests",
        "slower than 2000 ms",
    }


def test_a_verdict_survives_json_and_is_repeatable(profile: Profile, draw: Draw) -> None:
    window = WindowData("w-1", draw("window", 60, foreign=0.2))
    verdict = judge(window, profile, (), MonitorConfig(alpha=0.05))
    assert WindowVerdict.model_validate_json(verdict.model_dump_json()) == verdict
    assert judge(window, profile, (), MonitorConfig(alpha=0.05)) == verdict
