"""The datasets of the tiers raw, bronze and silver, and the quarantine that each tier may write."""

from __future__ import annotations

import pandera.pandas as pa_frame

from headwater.schemas.dataset import FLOAT, INT, NOT_BLANK, SHA256, STRING, STRINGS, Dataset, column

RAW = Dataset(
    name="raw",
    description="Manifest of the original files; the bytes stand at objects/<2 hex>/<digest>.",
    key="uri",
    columns={
        "uri": column(STRING, "Where the file came from: <source>/<path inside the source>", NOT_BLANK),
        "source": column(STRING, "Name of the configured source", NOT_BLANK),
        "digest": column(STRING, "SHA-256 of the bytes", SHA256),
        "media_type": column(STRING, "Media type, from name and content", NOT_BLANK),
        "size": column(INT, "Bytes", pa_frame.Check.ge(0)),
    },
)

QUARANTINE = Dataset(
    name="quarantine",
    description="What a tier refused, each with the step, the reason and where the original is.",
    key="refusal_id",
    columns={
        "refusal_id": column(STRING, "Digest of uri, step and reason", SHA256),
        "uri": column(STRING, "The refused file or document; control characters are escaped", NOT_BLANK),
        "source": column(STRING, "Name of the configured source", NOT_BLANK),
        "step": column(STRING, "The step that refused it", NOT_BLANK),
        "reason": column(STRING, "One word or a few joined by _: what it failed", NOT_BLANK),
        "detail": column(STRING, "The measured value beside the limit, or the parser's message"),
        "raw_digest": column(
            STRING, "SHA-256 of the original bytes; null if unreadable", SHA256, nullable=True
        ),
        "document_id": column(STRING, "The refused document; null if a whole file", nullable=True),
        "excerpt": column(STRING, "The first 300 characters"),
    },
)

_DOCUMENT = {
    "document_id": column(STRING, "SHA-256 of the document's uri", SHA256),
    "uri": column(STRING, "The file's uri, with #<fragment> for a part of a file", NOT_BLANK),
    "source": column(STRING, "Name of the configured source", NOT_BLANK),
    "raw_digest": column(STRING, "SHA-256 of the file it was read from", SHA256),
    "media_type": column(STRING, "Media type of the file", NOT_BLANK),
    "title": column(STRING, "Title; empty if the document states none"),
    "section": column(STRING, "Path of headings or folders that leads to it, joined by ' > '"),
    "start": column(INT, "First character in the decoded file; null if addressed by fragment", nullable=True),
    "end": column(INT, "One past the last character; null if addressed by fragment", nullable=True),
    "text": column(STRING, "The extracted text", NOT_BLANK),
    "text_digest": column(STRING, "SHA-256 of the text", SHA256),
    "attributes": column(STRING, "Further fields as a JSON object of strings with sorted keys", NOT_BLANK),
}

BRONZE = Dataset(
    name="bronze",
    description="One row per document: text extracted, nothing judged.",
    key="document_id",
    columns=_DOCUMENT,
)

SILVER = Dataset(
    name="silver",
    description="Documents that are normalized, judged, redacted and unique.",
    key="document_id",
    columns={
        **_DOCUMENT,
        "language": column(STRING, "ISO 639 code of the language found", NOT_BLANK),
        "language_score": column(FLOAT, "Probability of that language", pa_frame.Check.in_range(0.0, 1.0)),
        "words": column(INT, "Number of words", pa_frame.Check.ge(0)),
        "redactions": column(STRING, "JSON object: kind of personal data -> number of redactions", NOT_BLANK),
        "duplicates": column(STRINGS, "Ids of the documents dropped in favour of this one, sorted"),
    },
)
