"""Trying again what lakeFS refused because it is busy or failing at the moment, a bounded number of times."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import TypeVar

from headwater.lake.errors import LakeError

ATTEMPTS = 6
FIRST_PAUSE_SECONDS = 0.1
"""Pauses are drawn between zero and this, doubled each time: at most 3.1 s in all."""

Result = TypeVar("Result")


class Passing(Exception):
    """Carries an error that may be gone at the next attempt."""

    def __init__(self, error: LakeError) -> None:
        super().__init__(str(error))
        self.error = error


def patiently(action: Callable[[], Result]) -> Result:
    """The result of `action`, tried again when it raises `Passing`; in the end the error that it carries."""
    for attempt in range(ATTEMPTS - 1):
        try:
            return action()
        except Passing:
            # Writers that were refused together must not come back together.
            time.sleep(secrets.SystemRandom().uniform(0, FIRST_PAUSE_SECONDS * 2**attempt))
    try:
        return action()
    except Passing as failure:
        raise failure.error from failure.__cause__
