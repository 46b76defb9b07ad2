"""Personal data and secrets: found by pattern and checksum, replaced by placeholders."""

from __future__ import annotations

import json
from collections import Counter
from typing import ClassVar, Literal

import pyarrow as pa

from headwater.curate.pii_patterns import DETECTORS
from headwater.curate.step import StepSettings, strings, with_columns
from headwater.fingerprint import canonical_json, digest_text

Kind = Literal["secret", "email", "iban", "card", "ip", "phone"]
KINDS: tuple[Kind, ...] = ("secret", "email", "iban", "card", "ip", "phone")


class Redact(StepSettings):
    """Replaces personal data and secrets in text, title and attributes by `<EMAIL>` and the like.

    What documentation prints on purpose and identifies nobody stays: addresses at example.com and the other
    reserved domains (RFC 2606, RFC 6761), loopback, private, link-local, documentation and otherwise
    reserved IP addresses, networks, telephone numbers reserved for fiction (555-01xx), and keys that contain
    EXAMPLE, as those in the AWS documentation do. `allow` keeps further e-mail domains.
    """

    name: ClassVar[str] = "pii"
    modules: ClassVar[tuple[str, ...]] = ("headwater.curate.pii_patterns",)
    kinds: tuple[Kind, ...] = KINDS
    allow: tuple[str, ...] = ()

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Replaces `text`, `text_digest`, `title`, `attributes`; adds `redactions`. Refuses nothing."""
        texts: list[str] = []
        titles: list[str] = []
        attributes: list[str] = []
        redactions: list[str] = []
        for text, title, fields in zip(
            strings(batch, "text"), strings(batch, "title"), strings(batch, "attributes"), strict=True
        ):
            found: Counter[str] = Counter()
            texts.append(self.redact(text, found))
            titles.append(self.redact(title, found))
            values = {name: self.redact(value, found) for name, value in json.loads(fields).items()}
            attributes.append(canonical_json(values))
            redactions.append(canonical_json(dict(found)))
        return with_columns(
            batch,
            text=texts,
            text_digest=[digest_text(text) for text in texts],
            title=titles,
            attributes=attributes,
            redactions=pa.array(redactions, pa.string()),
        )

    def redact(self, text: str, found: Counter[str]) -> str:
        """`text` with placeholders; `found` counts the replacements by kind."""
        for kind in KINDS:
            if kind in self.kinds:
                text, count = DETECTORS[kind](text, frozenset(self.allow))
                if count:
                    found[kind] += count
        return text
