"""Deleting payloads that history refers to, on purpose and for good."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from headwater.lake.embedded.locks import Gate
from headwater.lake.embedded.storage import Storage
from headwater.lake.embedded.upkeep import GATE_SECONDS
from headwater.lake.embedded.views import Views

FILE = "erased.txt"


def erase(
    root: Path, payloads: Storage, views: Views, gate: Gate, digests: Collection[str]
) -> tuple[int, int]:
    """See `EmbeddedLake.erase`. The list of the erased is written first: what is cut short is repeated.

    Payloads that are deltas of what is erased are made whole before.
    """
    wanted = sorted(set(digests))
    with gate.alone(GATE_SECONDS):
        known = erased(root)
        with (root / FILE).open("a", encoding="ascii") as stream:
            stream.writelines(f"{digest}\n" for digest in wanted if digest not in known)
        for tree in views.holding(set(wanted)):
            views.remove(tree)
        count = size = 0
        payloads.undo(_resting_on(payloads, set(wanted)))
        for digest in wanted:
            removed = payloads.remove(digest)
            count, size = count + (removed > 0), size + removed
        payloads.vouched.compact({found.st_ino for _, found in payloads.all()})
    return count, size


def _resting_on(payloads: Storage, erased: set[str]) -> list[str]:
    """Payloads that stay, whose delta leads to one that is erased."""
    return [
        digest
        for digest, _ in payloads.deltas.all()
        if digest not in erased and not erased.isdisjoint(payloads.deltas.needed([digest]))
    ]


def erased(root: Path) -> frozenset[str]:
    """Digests of everything that was ever erased."""
    file = root / FILE
    return frozenset(file.read_text(encoding="ascii").split()) if file.exists() else frozenset()
