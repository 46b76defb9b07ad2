"""Messages to people: by webhook, Slack, e-mail and whatever else the library apprise can reach.

Off by default: without `HEADWATER_ALERT_URLS` nothing leaves the machine. The addresses hold passwords, so
they come from the environment alone and appear in no log, message or definition.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headwater.monitor.newest import Newest
from headwater.monitor.policy import drifting
from headwater.monitor.verdict import FAMILIES

VARIABLE = "HEADWATER_ALERT_URLS"
INSTALL = 'pip install "headwater[alerts]"'
GAPS = 3


class AlertFailed(RuntimeError):
    """A message did not reach all of its addresses."""


@dataclass(frozen=True)
class Message:
    """What people are told; plain text."""

    title: str
    body: str


def drift_message(product: str, state: Newest) -> Message | None:
    """What to say of the newest verdict, or None where nothing drifts. It holds no question's words."""
    if not drifting(state):
        return None
    lines = [
        f"{name}: {state.families[name].why}" for name in FAMILIES if state.families[name].status == "drift"
    ]
    gaps = [
        f"gap: {gap.size} questions, nearest {gap.nearest_document or 'nothing'} at {gap.similarity:.2f}"
        for gap in state.gaps[:GAPS]
    ]
    about = f"window {state.window}, {state.rows} questions, answered by {state.release}"
    families = ", ".join(line.partition(":")[0] for line in lines)
    return Message(f"{product}: drift in {families}", "\n".join([about, *lines, *gaps]))


def send(message: Message, environment: Mapping[str, str] = os.environ) -> bool:
    """Send to every address of `HEADWATER_ALERT_URLS`, separated by blanks; False where there is none.

    Raises `AlertFailed` when an address is no address or could not be reached, and `ModuleNotFoundError` that
    says how to install the library.
    """
    urls = environment.get(VARIABLE, "").split()
    if not urls:
        return False
    apprise = _library()
    sender: Any = apprise.Apprise()
    unknown = [number for number, url in enumerate(urls, 1) if not sender.add(url)]
    if unknown:
        raise AlertFailed(
            f"{VARIABLE}: expected addresses such as json://host/path, slack://… or mailto://…; number "
            f"{', '.join(map(str, unknown))} of {len(urls)} is none"
        )
    if not sender.notify(title=message.title, body=message.body, body_format="text"):
        raise AlertFailed(f"the message {message.title!r} did not reach all {len(urls)} addresses")
    return True


def _library() -> Any:
    try:
        import apprise  # pyright: ignore[reportMissingImports]
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"alerts need the library apprise: {INSTALL}", name="apprise") from error
    return apprise
