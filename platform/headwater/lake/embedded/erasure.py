"""Deleting payloads that history refers to, on purpose and for good."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from headwater.lake.embedded.locks import Gate
from headwater.lake.embedded.payloads import Payloads
from headwater.lake.embedded.upkeep import GATE_SECONDS
from headwater.lake.embedded.views import Views

FILE = "erased.txt"


def erase(
    root: Path, payloads: Payloads, views: Views, gate: Gate, digests: Collection[str]
) -> tuple[int, int]:
    """See `EmbeddedLake.erase`. The list of the erased is written first: what is cut short is repeated."""
    wanted = sorted(set(digests))
    with gate.alone(GATE_SECONDS):
        known = erased(root)
        with (root / FILE).open("a", encoding="ascii") as stream:
            stream.writelines(f"{digest}\n" for digest in wanted if digest not in known)
        for tree in views.holding(set(wanted)):
            views.remove(tree)
        count = size = 0
        for digest in wanted:
            path = payloads.path(digest)
            if path.exists():
                count, size = count + 1, size + path.stat().st_size
                payloads.remove(digest)
        payloads.vouched.compact({found.st_ino for _, found in payloads.all()})
    return count, size


def erased(root: Path) -> frozenset[str]:
    """Digests of everything that was ever erased."""
    file = root / FILE
    return frozenset(file.read_text(encoding="ascii").split()) if file.exists() else frozenset()
