"""What makes a record fit to be kept: texts redacted, people under pseudonyms."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headwater.curate.pii import Redact
from headwater.curate.pii.pseudonyms import MIN_KEY_BYTES, PSEUDONYM_DIGITS
from headwater.curate.quarantine import encodable
from headwater.lake.protocol import Lake
from headwater.lake.records import read_record

KEY_VARIABLE = "HEADWATER_LOG_KEY"
WRITTEN_BY_PEOPLE = ("question", "answer", "correction")
PEOPLE = ("user", "session")


@dataclass(frozen=True)
class Privacy:
    """Redaction by the rules of `redact`, and pseudonyms under a key that stands in no record."""

    key: bytes
    redact: Redact

    def apply(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """The record as it may be kept. Numbers and ids stay; what is no text becomes U+FFFD."""
        kept = dict(record)
        for name in WRITTEN_BY_PEOPLE:
            if kept.get(name):
                kept[name] = self.redact.redact(encodable(str(kept[name])))
        for name in PEOPLE:
            if kept.get(name):
                kept[name] = pseudonym(self.key, name, str(kept[name]))
        return kept


def pseudonym(key: bytes, kind: str, value: str) -> str:
    """16 hex digits of HMAC-SHA-256: the same for the same value, and for nobody without the key."""
    message = f"{kind}\0{encodable(value)}".encode()
    return hmac.new(key, message, hashlib.sha256).hexdigest()[:PSEUDONYM_DIGITS]


def key_from(environment: Mapping[str, str]) -> bytes | None:
    """The key in the environment, if there is one. Raises `ValueError`, without the key, for a short one."""
    key = environment.get(KEY_VARIABLE, "").encode()
    if key and len(key) < MIN_KEY_BYTES:
        raise ValueError(f"{KEY_VARIABLE}: expected at least {MIN_KEY_BYTES} bytes, got {len(key)}")
    return key or None


def key_in(file: Path) -> bytes:
    """The key in a file, which is made once, for its owner alone. Raises `OSError`."""
    with contextlib.suppress(FileNotFoundError):
        return file.read_bytes().strip()
    draft = file.with_name(f"{file.name}-{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(secrets.token_hex(32).encode() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
        # A link fails where another process was quicker; a rename would replace its key.
        with contextlib.suppress(FileExistsError):
            os.link(draft, file)
    finally:
        draft.unlink()
    return file.read_bytes().strip()


def known_keys(environment: Mapping[str, str], file: Path) -> tuple[bytes, ...]:
    """Every key that pseudonyms may have been made with: that of the environment, and the log's own.

    Makes none. Raises `ValueError` for a short one in the environment, and `OSError` for a file that cannot
    be read.
    """
    given = key_from(environment)
    own = file.read_bytes().strip() if file.is_file() else b""
    return tuple(dict.fromkeys(key for key in (given, own) if key))


def redaction_of(lake: Lake, ref: str, product: str) -> Redact:
    """The product's own step `pii` as its silver tier at `ref` was made with, else the default one.

    What the step would hash, or refuse a document for, is redacted.
    """
    record = read_record(lake, ref, product, "silver")
    steps: list[Any] = list(record.config.get("steps", ())) if record is not None else []
    for step in steps:
        if isinstance(step, Mapping) and step.get("step") == Redact.name:
            given = Redact.model_validate({key: value for key, value in step.items() if key != "step"})
            kept = {kind: mode for kind, mode in given.modes.items() if mode == "keep"}
            return given.model_copy(update={"modes": kept, "key_variable": None})
    return Redact()
