"""Where a product's log stands below `HEADWATER_HOME`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

FOLDER = "inference"


@dataclass(frozen=True)
class Places:
    """`open` holds segments that are being written, `closed` those that are not, `key` the log's own key."""

    root: Path

    @classmethod
    def of(cls, home: Path, product: str) -> Self:
        """The places of a product; none of them need exist."""
        return cls(home / FOLDER / product)

    @property
    def open(self) -> Path:
        """Folder of segments that a service writes, each with its writer's lock file."""
        return self.root / "open"

    @property
    def closed(self) -> Path:
        """Folder of segments that nobody writes any more and that wait to become windows."""
        return self.root / "closed"

    @property
    def key(self) -> Path:
        """File of the key of pseudonyms, where the environment gives none."""
        return self.root / "key"

    def make(self) -> None:
        """Make the folders, for their owner alone. Raises `OSError`."""
        for folder in (self.root, self.open, self.closed):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
