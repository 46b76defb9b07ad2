"""How figures are written in a report."""

from __future__ import annotations

from headwater.evaluate.group_bootstrap import Estimate
from headwater.evaluate.html import Html, tag

MINUS = "\N{MINUS SIGN}"


def figure(value: float) -> str:
    """Three decimals, or one from 10 on."""
    text = f"{value:.3f}" if abs(value) < 10 else f"{value:,.1f}"
    return text.replace("-", MINUS)


def signed(value: float) -> str:
    """A difference, with its sign."""
    return ("+" if value >= 0 else "") + figure(value)


def interval(found: Estimate) -> str:
    """Both ends of the interval."""
    return f"{figure(found.low)} to {figure(found.high)}"


def card(label: str, value: str, note: str) -> Html:
    """A figure to be seen first."""
    return tag(
        "div",
        tag("div", label, cls="label"),
        tag("div", value, cls="value"),
        tag("div", note, cls="note"),
        cls="card",
    )
