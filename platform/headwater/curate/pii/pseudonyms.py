"""Stable pseudonyms: a keyed digest in place of what was found, so that equal values stay equal."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import unicodedata

from headwater.curate.pii.findings import Kind

MIN_KEY_BYTES = 16
PSEUDONYM_DIGITS = 16
"""Hex digits kept of the digest: 64 bits, so among a million values two collide with odds of 3 in 10^8."""
_NOT_ALNUM = re.compile(r"[^0-9A-Za-z]")


class MissingKey(ValueError):
    """The environment holds no usable key; the message never shows its value."""


def read_key(variable: str) -> bytes:
    """The key from the environment. Raises `MissingKey` if there is none or it is too short to be secret."""
    key = os.environ.get(variable, "").encode()
    if len(key) < MIN_KEY_BYTES:
        state = "is not set" if not key else f"has {len(key)} bytes"
        raise MissingKey(
            f"the pii step hashes with the key in the environment variable {variable}, which {state}; "
            f"expected at least {MIN_KEY_BYTES} bytes"
        )
    return key


def key_digest(variable: str) -> str:
    """A name for the key that does not reveal it, since other keys give other results; `absent` if none."""
    try:
        key = read_key(variable)
    except MissingKey:
        return "absent"
    return hmac.new(key, b"headwater pii key", hashlib.sha256).hexdigest()[:PSEUDONYM_DIGITS]


def pseudonym(key: bytes, kind: Kind, value: str) -> str:
    """The first 16 hex digits of HMAC-SHA-256 over the kind and the value in its plain form."""
    message = f"{kind}\0{_plain(kind, value)}".encode()
    return hmac.new(key, message, hashlib.sha256).hexdigest()[:PSEUDONYM_DIGITS]


def _plain(kind: Kind, value: str) -> str:
    """The same however it is written: without case or separators where they mean nothing."""
    if kind in ("email", "ip", "name"):
        return " ".join(unicodedata.normalize("NFC", value).lower().split())
    if kind == "secret":
        return value
    return _NOT_ALNUM.sub("", value).upper()
