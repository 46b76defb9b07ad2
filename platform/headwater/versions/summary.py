"""The Markdown summary of a check, for a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from headwater.versions.ci import FAILED, PASSED, Checked, ProductCheck
from headwater.versions.compare import AssetChange

MAX_FAILING_ROWS = 3
MAX_CELL = 120


def markdown(checked: Checked) -> str:
    """Verdict, gate, audits, and what differs from the base, product by product."""
    verdict = {PASSED: "passed", FAILED: "a build failed"}.get(checked.exit_code, "the gate refused")
    lines = [f"# Headwater: {verdict}", ""]
    lines.append(f"Branch `{checked.branch}` from `{checked.base}` at `{checked.base_commit[:12]}`.")
    for item in checked.products:
        lines += ["", *_product(item)]
    return "\n".join(lines) + "\n"


def _product(item: ProductCheck) -> Iterator[str]:
    verdict = "built" if item.build.succeeded else f"failed: {_cell(item.build.reason)}"
    yield f"## {item.product}: {verdict}" + (f", gate {item.gate}" if item.gate else "")
    yield ""
    yield from markdown_table(
        ("asset", "outcome", "rows", "seconds", "audits"),
        (
            (name, result.outcome, f"{result.rows:,}", f"{result.seconds:.1f}", _audits(item, name))
            for name, result in item.build.assets.items()
        ),
    )
    yield from _failures(item)
    if item.decision:
        yield from _conditions(item.decision)
    yield from _changes(item)


def _audits(item: ProductCheck, asset: str) -> str:
    outcomes = item.checks.get(asset, ())
    failed = [check.name for check in outcomes if not check.passed]
    return f"failed: {', '.join(failed)}" if failed else f"{len(outcomes)} passed" if outcomes else ""


def _failures(item: ProductCheck) -> Iterator[str]:
    for asset, outcomes in item.checks.items():
        for check in outcomes:
            if check.passed:
                continue
            yield ""
            yield f"**{asset}: {check.name}** {_cell(check.description)}"
            rows = check.failures[:MAX_FAILING_ROWS]
            if rows:
                names = list(dict.fromkeys(name for row in rows for name in row))
                yield ""
                yield from markdown_table(names, ([row.get(name, "") for name in names] for row in rows))


def _conditions(decision: Mapping[str, Any]) -> Iterator[str]:
    yield ""
    yield "### Gate"
    yield ""
    yield from markdown_table(
        ("condition", "holds", "measured"),
        (
            (entry["name"], "yes" if entry["passed"] else "**no**", entry["explanation"])
            for entry in decision["conditions"]
        ),
    )


def _changes(item: ProductCheck) -> Iterator[str]:
    yield ""
    yield "### Against the base"
    yield ""
    if not item.comparison.assets:
        yield "Nothing differs."
        return
    yield from markdown_table(
        ("asset", "is", "rows added", "removed", "changed", "bytes", "because of"),
        (_change(change) for change in item.comparison.assets),
    )
    metrics = [
        (f"{change.asset}: {metric.name}", _number(metric.left), _number(metric.right), metric.direction)
        for change in item.comparison.assets
        for metric in change.metrics
        if metric.direction != "changed"
    ]
    if metrics:
        yield ""
        yield from markdown_table(("metric", "base", "here", ""), metrics)


def _change(change: AssetChange) -> Sequence[Any]:
    main = [rows for rows in change.rows if "quarantine" not in rows.folder]
    counts = [sum(getattr(rows, kind) for rows in main) for kind in ("added", "removed", "changed")]
    return (
        change.asset,
        change.kind,
        *counts,
        f"{change.bytes[1] - change.bytes[0]:+,}",
        "; ".join(change.why),
    )


def markdown_table(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Lines of a Markdown table; cells are put on one line and cut at 120 characters."""
    yield "| " + " | ".join(names) + " |"
    yield "|" + " --- |" * len(names)
    for row in rows:
        yield "| " + " | ".join(_cell(value) for value in row) + " |"


def _cell(value: Any) -> str:
    text = " ".join(str(value).split()).replace("|", "\\|")
    return text if len(text) <= MAX_CELL else text[:MAX_CELL] + "…"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
