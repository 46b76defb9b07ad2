"""What is remembered about source files between builds, so that unchanged ones are not read again."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import astuple, dataclass
from pathlib import Path

from headwater.fingerprint import canonical_json, digest_json
from headwater.sources import SourceConfig


@dataclass(frozen=True)
class Seen:
    """What was found in a file."""

    digest: str
    size: int
    media_type: str


class TokenCache:
    """Change token → what was found, for the files of one source as it is configured.

    Lost or damaged caches cost time only. Several builds may share one: the last to save wins as a whole.
    """

    def __init__(self, folder: Path, source: SourceConfig) -> None:
        self._path = folder / f"raw-{digest_json(source.model_dump(mode='json'))[:16]}.json"
        self._known = _load(self._path)
        self._next: dict[str, tuple[str, Seen]] = {}

    def get(self, path: str, token: str) -> Seen | None:
        """What was found at `path` when its token was `token`."""
        known = self._known.get(path)
        return known[1] if known is not None and token and known[0] == token else None

    def put(self, path: str, token: str, seen: Seen) -> None:
        """Remember a file; one without a token cannot be."""
        if token:
            self._next[path] = (token, seen)

    def save(self) -> None:
        """Replace the file of this cache at once; what was not `put` since the beginning is forgotten."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        text = canonical_json({path: [token, *astuple(seen)] for path, (token, seen) in self._next.items()})
        descriptor, name = tempfile.mkstemp(dir=self._path.parent, prefix=self._path.name)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
        Path(name).replace(self._path)


def _load(path: Path) -> dict[str, tuple[str, Seen]]:
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return {
            file: (token, Seen(digest, size, kind)) for file, (token, digest, size, kind) in entries.items()
        }
    except (OSError, ValueError, AttributeError, TypeError):
        return {}
