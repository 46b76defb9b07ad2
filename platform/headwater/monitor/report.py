"""The report of a window: one HTML page without scripts, and the pictures that the UI shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from headwater.evaluate.html import Html, joined, page, picture, table, tag
from headwater.monitor.profile import Profile
from headwater.monitor.rows import WindowData
from headwater.monitor.served import NONE_YET
from headwater.monitor.verdict import FAMILIES, Finding, ShownDistance, ShownLevel, WindowVerdict, left_out

REPORT_FILE = "report.html"
QUESTIONS = {
    "data": "Are the questions about other things than before?",
    "text": "Are they written otherwise?",
    "coverage": "Are there questions that the index cannot answer?",
    "concept": "Are answers worse, though the questions may be the same?",
    "label": "Does feedback contradict what is known to be right?",
    "performance": "Does the service keep its objectives?",
}
PICTURES = ("history", "map", "similarity", "measures", "service")
_CLASSES = {"ok": "good", "drift": "bad"}
_BARS = "▁▂▃▄▅▆▇█"


def write_report(
    verdict: WindowVerdict,
    window: WindowData,
    profile: Profile,
    history: Sequence[WindowVerdict],
    folder: Path,
) -> Mapping[str, Path]:
    """Write `report.html` and its pictures below `folder`; their paths by name, the page as `report`.

    `history` are the earlier verdicts, oldest first. Equal arguments give equal bytes.
    """
    from headwater.monitor.pictures import draw_history, draw_map, draw_similarity
    from headwater.monitor.service_pictures import draw_measures, draw_service

    pictures = {name: folder / f"{name}.png" for name in PICTURES}
    draw_history([*history, verdict], pictures["history"])
    draw_map(window.observed, profile, pictures["map"])
    draw_similarity(window.observed, profile, pictures["similarity"])
    draw_measures(window.observed, profile, pictures["measures"])
    draw_service(window, profile, pictures["service"])
    report = folder / REPORT_FILE
    report.write_text(render(verdict, profile, pictures), encoding="utf-8")
    return {"report": report, **pictures}


def render(verdict: WindowVerdict, profile: Profile, pictures: Mapping[str, Path]) -> str:
    """The page. It depends on its arguments alone."""
    title = f"Window {verdict.window}"
    size = f"{verdict.rows} questions in {verdict.clusters} clusters, compared with {profile.name}"
    others = left_out(verdict.others)
    return page(
        title,
        tag("h1", title),
        tag("p", f"{size}; {others}" if others else size, cls="soft"),
        _headline(verdict),
        _families(verdict),
        tag("h2", "The last windows"),
        picture(pictures["history"], "verdicts of the last windows"),
        tag("h2", "Where the questions lie"),
        tag(
            "div",
            picture(pictures["map"], "embeddings", "The reference's first two principal components."),
            picture(
                pictures["similarity"],
                "similarity",
                f"Left of the line at {profile.answerable_similarity:.2f} lie 5% of the reference.",
            ),
            cls="pair",
        ),
        _gaps(verdict),
        tag("h2", "What the questions are like"),
        picture(pictures["measures"], "quality, toxicity and perplexity of the questions"),
        _notes(verdict),
        tag("h2", "The service before the release and now"),
        _service(verdict, profile),
        picture(pictures["service"], "latency and thumbs down"),
        *(_findings(family, verdict) for family in FAMILIES if verdict.families[family].findings),
        _shown(verdict.shown),
    )


def _headline(verdict: WindowVerdict) -> Html:
    drifted = [family for family in FAMILIES if verdict.status(family) == "drift"]
    if drifted:
        return tag("div", f"Drift: {', '.join(drifted)}", cls="verdict bad")
    return tag("div", "No drift", cls="verdict good")


def _families(verdict: WindowVerdict) -> Html:
    rows = [
        (
            family,
            tag("span", verdict.status(family), cls=_CLASSES.get(verdict.status(family), "")),
            QUESTIONS[family],
            verdict.families[family].why,
        )
        for family in FAMILIES
    ]
    return table(("family", "verdict", "question", "because"), rows)


def _findings(family: str, verdict: WindowVerdict) -> Html:
    rows = [_finding(finding) for finding in verdict.families[family].findings]
    headers = ("test", "reference", "window", "p (Holm)", "effect", "floor", "")
    return joined((tag("h2", f"Tests: {family}"), table(headers, rows, numbers=(3, 4, 5))))


def _finding(finding: Finding) -> tuple[object, ...]:
    mark = "strong" if finding.strong else "significant" if finding.significant else ""
    p = "sequential" if finding.p is None else f"{finding.p:.3g}"
    figures = (p, f"{finding.effect:.3g}", f"{finding.floor:.3g}")
    return (finding.name, finding.reference, finding.window, *figures, mark)


def _gaps(verdict: WindowVerdict) -> Html:
    head = tag("h2", "Coverage gaps")
    if not verdict.gaps:
        none = "No three questions below the line resemble each other."
        return joined((head, tag("p", none, cls="soft")))
    rows = [
        (
            gap.size,
            joined(tag("p", text) for text in gap.examples),
            gap.nearest_document,
            f"{gap.similarity:.2f}",
        )
        for gap in verdict.gaps
    ]
    headers = ("questions", "examples", "nearest document", "cosine")
    return joined((head, table(headers, rows, numbers=(0, 3))))


def _notes(verdict: WindowVerdict) -> Html:
    return tag("p", f"Not measured: {'; '.join(verdict.notes)}.", cls="soft") if verdict.notes else joined(())


def _service(verdict: WindowVerdict, profile: Profile) -> Html:
    source = f"Before: {profile.served.shown}." if profile.served is not None else f"Before: {NONE_YET}."
    note = "For people, but for thumbs down: objectives decide on latency and failures."
    headers = ("", "before the release", "window")
    shown = table(headers, shown_service(verdict.levels), numbers=(1, 2))
    return joined((tag("p", f"{source} {note}", cls="soft"), shown))


def shown_service(levels: Sequence[ShownLevel]) -> list[tuple[str, str, str]]:
    """Name, number before the release and number in the window, as people read them."""
    return [(one.name, _level(one.reference, one.unit), _level(one.window, one.unit)) for one in levels]


def _level(value: float | None, unit: str) -> str:
    if value is None:
        return "not known"
    return f"{value:.1%}" if unit == "%" else f"{value:,.0f} {unit}"


def _shown(distances: Sequence[ShownDistance]) -> Html:
    rows = [
        (
            item.name,
            f"{item.psi:.3f}",
            f"{item.jensen_shannon:.3f}",
            _bars(item.reference_bins),
            _bars(item.window_bins),
        )
        for item in distances
    ]
    note = "For people only: the customary limits of .1 and .2 mean something else at every sample size."
    headers = ("measure", "PSI", "Jensen-Shannon", "reference", "window")
    return joined((tag("h2", "Distances"), tag("p", note, cls="soft"), table(headers, rows, numbers=(1, 2))))


def _bars(shares: Sequence[float]) -> str:
    most = max(shares)
    return "".join(_BARS[round(share / most * (len(_BARS) - 1))] for share in shares)
