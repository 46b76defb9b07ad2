"""The verdict on a closed window: families of tests, Holm's correction in each, effect floors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from headwater.monitor import clusters as clustering
from headwater.monitor.correction import holm
from headwater.monitor.coverage import coverage_gaps
from headwater.monitor.families import (
    CONCEPT_MEASURES,
    Tested,
    concept_tests,
    coverage_tests,
    data_tests,
    label_tests,
    performance_tests,
    text_tests,
    vote_stream,
)
from headwater.monitor.profile import Profile
from headwater.monitor.rows import Answers, WindowData
from headwater.monitor.sequential import PageHinkley
from headwater.monitor.shown import shown_distances, shown_levels
from headwater.monitor.text_statistics import measured
from headwater.monitor.verdict import (
    FAMILIES,
    RELEASE_FAMILIES,
    UNJUDGED,
    FamilyVerdict,
    Finding,
    MonitorConfig,
    WindowVerdict,
    left_out,
)

NO_ANSWERS = "too few votes and looked-at answers to say anything of answers"
NO_DATA = "nothing was recorded that this family could look at"


def judge(
    window: WindowData,
    profile: Profile,
    history: Sequence[WindowVerdict] = (),
    config: MonitorConfig | None = None,
    answers: Answers | None = None,
) -> WindowVerdict:
    """Judge a window against a profile. `history` holds earlier verdicts, oldest first.

    `answers` is what thumbs down and unsupported answers are compared with; without it the profile's own.

    Equal arguments give equal verdicts: seeds come from the window's id. Earlier verdicts on another profile
    are ignored. Raises `OtherEmbedder` when the window's vectors cannot be compared with the profile's.
    """
    config = config or MonitorConfig()
    profile.expect(window.observed.embedder)
    rows = window.observed
    measures = {**measured(rows.texts, profile.words), **rows.measures}
    earlier = [verdict for verdict in history if verdict.profile == profile.digest]
    size = (rows.rows, clustering.count(rows.clusters))
    families: dict[str, FamilyVerdict] = {}
    few = _too_few(size, config)
    votes, alarmed = vote_stream(rows, earlier[-1].votes if earlier else None)
    judged = {
        "data": lambda: data_tests(window.id, rows, profile, config),
        "text": lambda: text_tests(window.id, rows, measures, profile, config),
        "coverage": lambda: coverage_tests(window.id, rows, profile, config),
        "concept": lambda: concept_tests(
            window.id, rows, profile, config, votes, alarmed, answers or profile.reference
        ),
        "label": lambda: label_tests(rows, config),
    }
    for family, tests in judged.items():
        past = [verdict.families[family] for verdict in earlier]
        families[family] = (
            FamilyVerdict(status="insufficient", why=few) if few else decided(tests(), past, config)
        )
    families["concept"] = _of_answers(families["concept"])
    past = [verdict.families["performance"] for verdict in earlier]
    families["performance"] = decided(performance_tests(window.requests, config), past, config)
    for family in RELEASE_FAMILIES:
        if families[family].status == "insufficient" and window.others:
            why = f"{families[family].why}; {left_out(window.others)}"
            families[family] = families[family].model_copy(update={"why": why})
    unseen = [name for name in sorted(profile.reference.measures) if name not in measures]
    low = np.flatnonzero(rows.similarity < profile.answerable_similarity)
    return WindowVerdict(
        window=window.id,
        profile=profile.digest,
        rows=size[0],
        clusters=size[1],
        families=families,
        gaps=tuple(coverage_gaps(rows, low)),
        shown=tuple(shown_distances(measures, profile)) if rows.rows else (),
        levels=tuple(shown_levels(window, profile)),
        others=dict(window.others),
        notes=(*profile.notes, *(f"{name}: not known of this window's questions" for name in unseen)),
        votes=votes,
    )


def unjudged(
    window: WindowData,
    profile: str,
    status: str,
    why: str,
    history: Sequence[WindowVerdict] = (),
    config: MonitorConfig | None = None,
) -> WindowVerdict:
    """The verdict on a window for whose questions there is nothing to compare with: performance alone.

    `profile` is the digest of what cannot be compared, `status` and `why` become those of other families.
    """
    config = config or MonitorConfig()
    earlier = [verdict for verdict in history if verdict.profile == profile]
    families = {family: FamilyVerdict(status=status, why=why) for family in FAMILIES}
    past = [verdict.families["performance"] for verdict in earlier]
    families["performance"] = decided(performance_tests(window.requests, config), past, config)
    rows = window.observed
    return WindowVerdict(
        window=window.id,
        profile=profile,
        rows=rows.rows,
        clusters=clustering.count(rows.clusters),
        families=families,
        votes=earlier[-1].votes if earlier else PageHinkley(),
    )


def decided(tests: Sequence[Tested], past: Sequence[FamilyVerdict], config: MonitorConfig) -> FamilyVerdict:
    """The verdict of one family, given its tests and its earlier verdicts, oldest first."""
    if not tests:
        return FamilyVerdict(status="insufficient", why=NO_DATA)
    findings = _findings(tests, config)
    certain = [finding for finding in findings if finding.significant]
    strong = [finding for finding in findings if finding.strong]
    if not certain:
        lowest = min((finding.p for finding in findings if finding.p is not None), default=1.0)
        why = f"nothing significant at {config.alpha:g} (lowest p {lowest:.2g})"
        return FamilyVerdict(status="ok", why=why, findings=findings)
    judged = [verdict for verdict in past if verdict.status not in UNJUDGED or verdict.findings]
    recent = judged[len(judged) - (config.recent_windows - 1) :] if config.recent_windows > 1 else []
    times = bool(strong) + sum(verdict.strong for verdict in recent)
    named = ", ".join(f"{one.name} {one.reference} → {one.window}" for one in (strong or certain))
    if strong and times >= config.needed_windows:
        why = f"{named}; strong in {times} of the last {len(recent) + 1} windows"
        return FamilyVerdict(status="drift", why=why, findings=findings)
    reason = "one window is not enough" if strong else "significant, but below its floor"
    return FamilyVerdict(status="warn", why=f"{named}; {reason}", findings=findings)


def _of_answers(concept: FamilyVerdict) -> FamilyVerdict:
    """Prompts that are as usual as before say nothing of answers: quiet perplexity alone is not `ok`."""
    if concept.status != "ok" or any(one.name not in CONCEPT_MEASURES for one in concept.findings):
        return concept
    return concept.model_copy(
        update={"status": "insufficient", "why": f"{NO_ANSWERS}; perplexity: {concept.why}"}
    )


def _too_few(size: tuple[int, int], config: MonitorConfig) -> str:
    rows, clusters = size
    if rows >= config.least_rows and clusters >= config.least_clusters:
        return ""
    return (
        f"{rows} questions in {clusters} clusters, and at least {config.least_rows} in "
        f"{config.least_clusters} are needed"
    )


def _findings(tests: Sequence[Tested], config: MonitorConfig) -> tuple[Finding, ...]:
    tested = [test for test in tests if test.p is not None and not test.corrected]
    adjusted: Mapping[str, float] = dict(
        zip([test.name for test in tested], holm([test.p or 0.0 for test in tested]), strict=True)
    )
    findings: list[Finding] = []
    for test in tests:
        p = adjusted.get(test.name, test.p)
        significant = test.alarmed if p is None else p <= config.alpha
        findings.append(
            Finding(
                name=test.name,
                statistic=test.statistic,
                p=p,
                effect=test.effect,
                floor=test.floor,
                reference=test.reference,
                window=test.window,
                significant=significant,
                strong=significant and test.effect >= test.floor,
            )
        )
    return tuple(findings)
