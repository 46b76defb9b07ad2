from __future__ import annotations

import pyarrow as pa
import pytest

from headwater.curate.engine.excerpts import EXCERPT_CHARACTERS, LOOKAHEAD, NEAR, excerpts
from headwater.curate.pii import Redact

KEY = (
    "-----BEGIN PRIVATE KEY-----\n" + "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n" * 80 + "-----END PRIVATE KEY-----"
)
TOKEN = "eyJ" + "a" * 1200 + ".eyJ" + "b" * 1200 + "." + "c" * 1200
TEXTS = {
    "short": "Write to a@firma.example today.",
    "plain": "some words of prose " * 500,
    "key": "the key " * 10 + KEY + " more words" * 900,
    "token": "the token " * 10 + TOKEN + " more words" * 900,
    "addresses": " ".join(f"person{number}@firma{number}.example" for number in range(500)),
    "edge": "x" * (EXCERPT_CHARACTERS - 5) + " a@firma.example " + "more words " * 500,
    "near": "words " * (NEAR // 6 - 2) + "a@firma.example " * 3 + "more words " * 500,
}


@pytest.mark.parametrize("name", TEXTS)
def test_an_excerpt_is_redacted_as_if_more_of_the_text_were_seen(name: str) -> None:
    text = TEXTS[name]
    row = {"text": text, "text_digest": "?", "title": "", "attributes": "{}"}
    found = excerpts(pa.RecordBatch.from_pylist([row]), (Redact(),)).to_pylist()
    assert found == [Redact().redact(text[:LOOKAHEAD])[:EXCERPT_CHARACTERS]]
