"""Production goes back when a trial failed, as by `headwater rollback`, with the numbers in the commit."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from headwater.fingerprint import canonical_json
from headwater.lake.errors import LakeError
from headwater.lake.protocol import Lake
from headwater.serve.canary_verdict import Verdict
from headwater.versions.releases import rollback

log = logging.getLogger("headwater")

BY = "headwater serve"


def undo_in(lake: Lake, product: str, *, home: Path) -> Callable[[Verdict], bool]:
    """What moves production back to the release that a trial compared with; True when it moved.

    It stays when it holds another release than the one that was tried, and where a rollback is refused: the
    earlier release was made before something was erased, for example.
    """

    def undo(verdict: Verdict) -> bool:
        told = {
            "by": BY,
            "reason": f"on trial {verdict.release} was worse: {', '.join(verdict.worse)}",
            "trial": canonical_json(verdict.numbers()),
        }
        try:
            done = rollback(
                lake, product, verdict.against, only_from=verdict.release, home=home, metadata=told
            )
        except (LakeError, OSError):
            log.exception("production of %s cannot be moved back to %s", product, verdict.against)
            return False
        return done.moved

    return undo
