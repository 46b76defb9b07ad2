"""Hidden branches `tx-…` on which a change is prepared: what lakeFS stages belongs to a branch, not a writer.

Their names say when they were made and for which branch, so that a sweep can tell the living from the dead
without asking the machine that made them: `tx-<seconds in hex>-<random>-<branch>`.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from headwater.lake.errors import Exists, LakeError, NotFound
from headwater.lake.lakefs.control import Control

GRACE_SECONDS = 24 * 3600
"""A change that lasts longer than this may be taken for dead and swept."""

_NAME = re.compile(r"tx-([0-9a-f]{8,12})-[0-9a-f]{12}-(.+)", re.DOTALL)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Transaction:
    """A hidden branch of a change, read from its name."""

    name: str
    branch: str
    seconds: int

    @property
    def abandoned(self) -> bool:
        """Whether its change can no longer be in progress."""
        return self.seconds < time.time() - GRACE_SECONDS


@contextmanager
def transaction(control: Control, branch: str, commit: str) -> Generator[str]:
    """A hidden branch from `commit` that is gone afterwards; gives its name."""
    name = begin(control, branch, commit)
    try:
        yield name
    finally:
        end(control, name)


def begin(control: Control, branch: str, commit: str) -> str:
    """Start a hidden branch, which must be ended; its name."""
    name = f"tx-{int(time.time()):08x}-{secrets.token_hex(6)}-{branch}"
    try:
        control.create_branch(name, commit, hidden=True)
    except Exists:
        # Nobody else draws this name: an answer got lost, and the second try found what the first had made.
        control.branch(name)
    return name


def read_name(name: str) -> Transaction | None:
    """What the name of a hidden branch says; `None` for other branches."""
    found = _NAME.fullmatch(name)
    return Transaction(name, found[2], int(found[1], 16)) if found else None


def end(control: Control, name: str) -> None:
    """Remove a hidden branch; what prevents that is logged, and left to a sweep."""
    try:
        control.delete_branch(name)
    except NotFound:
        return
    except LakeError as error:
        # The change itself is decided already; this must neither hide its error nor undo its success.
        _log.warning("the hidden branch %s could not be removed (%s); a sweep will remove it", name, error)
