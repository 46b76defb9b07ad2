"""API keys, known only by their SHA-256, and how many requests each may make."""

from __future__ import annotations

import hashlib
import hmac
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

KEYS = "HEADWATER_API_KEYS"
KEYS_FILE = "HEADWATER_API_KEYS_FILE"

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class ApiKeys:
    """SHA-256 digests of the accepted keys in lower-case hex. Without any, everybody is let in."""

    digests: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for digest in self.digests:
            if not _DIGEST.fullmatch(digest):
                raise ValueError(
                    "an API key is configured by its SHA-256 in hex, 64 characters "
                    f"(printf %s KEY | sha256sum), not by a text of {len(digest)} characters"
                )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], file: Path | None = None) -> ApiKeys:
        """Digests from `HEADWATER_API_KEYS` (separated by commas or space) and from a file, one a line.

        The file is `file`, else `HEADWATER_API_KEYS_FILE`; what follows # in it is a comment. Raises
        `ValueError` for what is no digest (without repeating it) and `FileNotFoundError`.
        """
        found = re.split(r"[,\s]+", environment.get(KEYS, ""))
        named = environment.get(KEYS_FILE)
        path = file or (Path(named) if named else None)
        if path is not None:
            for line in path.read_text(encoding="utf-8").splitlines():
                found += line.partition("#")[0].split()
        return cls(tuple(sorted({digest.lower() for digest in found if digest})))

    def __bool__(self) -> bool:
        return bool(self.digests)

    def holder(self, authorization: str) -> str | None:
        """Who sends this header: the first 12 characters of the key's digest, or None for a wrong key.

        Takes as long for a wrong key as for a right one: every digest is compared.
        """
        scheme, _, key = authorization.partition(" ")
        digest = hashlib.sha256(key.strip().encode()).hexdigest()
        matches = [hmac.compare_digest(digest, known) for known in self.digests]
        return digest[:12] if any(matches) and scheme.lower() == "bearer" else None


@dataclass
class TokenBuckets:
    """Requests per holder of a key: `burst` at once, then `rate` a second."""

    rate: float
    burst: int
    _levels: dict[str, tuple[float, float]] = field(default_factory=dict[str, tuple[float, float]])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, holder: str, now: float) -> float:
        """Take a token at `now` (seconds of a steady clock); 0 if there was one, else the seconds to wait."""
        with self._lock:
            level, then = self._levels.get(holder, (float(self.burst), now))
            level = min(float(self.burst), level + (now - then) * self.rate)
            if level < 1.0:
                self._levels[holder] = (level, now)
                return (1.0 - level) / self.rate
            self._levels[holder] = (level - 1.0, now)
            return 0.0
