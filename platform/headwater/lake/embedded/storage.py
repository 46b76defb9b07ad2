"""The payloads of a lake: whole, or, where a newer one took their place, as deltas."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from headwater.lake.embedded.claims import Claims
from headwater.lake.embedded.deltas import Deltas
from headwater.lake.embedded.disk import flush
from headwater.lake.embedded.locks import Gate
from headwater.lake.embedded.payloads import Payloads, move, unlink, write


class Storage(Payloads):
    """Payloads in both forms. Who reads one that is a delta makes it whole again, until the next sweep."""

    def __init__(self, root: Path, claims: Claims, gate: Gate) -> None:
        super().__init__(root)
        self.deltas = Deltas(root, self.folder)
        self._claims = claims
        self._gate = gate

    def there(self, digest: str) -> bool:
        """Whether the payload is kept in one of the forms."""
        return super().there(digest) or self.deltas.path(digest).exists()

    def sound(self, digest: str, path: str) -> Path:
        """As `Payloads.sound`. The caller does not hold the gate."""
        if not super().there(digest) and self.deltas.path(digest).exists():
            with self._gate.shared():
                self.restore(digest)
        return super().sound(digest, path)

    def restore(self, digest: str) -> None:
        """Make a payload whole. Its delta stays, so this needs no flush.

        The caller holds the gate. Raises `Gone` and `Damaged`.
        """
        data = self.deltas.rebuild(digest)
        claim = self._claims.open()
        try:
            temporary = claim.temporary()
            found = write(temporary, data)
            move(temporary, self.path(digest))
        finally:
            claim.release()
        self.vouched.add(found, digest, lasting=False)

    def undo(self, digests: Collection[str]) -> None:
        """Make payloads whole, and delete their deltas. The caller holds the gate alone."""
        for digest in digests:
            if not self.path(digest).exists():
                self.restore(digest)
        if digests:
            flush(self.folder)
        for digest in digests:
            self.deltas.remove(digest)

    def remove(self, digest: str) -> int:
        """Delete one payload in both forms; returns their bytes. The caller holds the gate alone."""
        return super().remove(digest) + unlink(self.deltas.path(digest))
