"""The datasets of the tiers raw, bronze and silver, and the quarantine that each tier may write."""

from __future__ import annotations

import pyarrow as pa

from headwater.schemas.dataset import FLOAT, INT, NOT_BLANK, SHA256, STRING, STRINGS, Check, Dataset, column

RAW = Dataset(
    name="raw",
    description="Manifest of the original files; the bytes stand at objects/<2 hex>/<digest>.",
    key="uri",
    columns={
        "uri": column(STRING, "Where the file came from: <source>/<path inside the source>", NOT_BLANK),
        "source": column(STRING, "Name of the configured source", NOT_BLANK),
        "digest": column(STRING, "SHA-256 of the bytes", SHA256),
        "media_type": column(STRING, "Media type, from name and content", NOT_BLANK),
        "size": column(INT, "Bytes", Check.ge(0)),
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
        "language": column(
            STRING, "ISO 639 code of the language found; null if no step looked", NOT_BLANK, nullable=True
        ),
        "language_score": column(
            FLOAT, "Probability of that language", Check.in_range(0.0, 1.0), nullable=True
        ),
        "words": column(INT, "Number of words; null if no step counted", Check.ge(0), nullable=True),
        "redactions": column(STRING, "JSON object: kind of personal data -> number of redactions", NOT_BLANK),
        "annotations": column(STRING, "JSON object: what else the steps measured", NOT_BLANK),
        "duplicates": column(STRINGS, "Ids of up to 1,000 documents dropped in favour of this one, sorted"),
    },
)

_DIGEST = pa.binary(16)
STATE = Dataset(
    name="state",
    description="What the next build need not find out again: one row for each row of bronze, no text.",
    key="document_id",
    columns={
        "document_id": column(STRING, "The document in bronze", SHA256),
        "uri": column(STRING, "Where it came from, unless a step refused it", nullable=True),
        "source": column(STRING, "Its source, unless a step refused it", nullable=True),
        "key": column(_DIGEST, "Digest of the row of bronze, which a changed document does not share"),
        "outcome": column(
            INT, "-1 kept, else the number of the step that refused it; after the last: a duplicate",
            Check.ge(-1),
        ),
        "cause": column(
            _DIGEST, "Of a duplicate, digest of what the quarantine says of it", nullable=True
        ),
        "bytes_in": column(INT, "Bytes of its text in bronze", Check.ge(0)),
        "bytes_out": column(INT, "Bytes of its text after the steps; 0 if refused", Check.ge(0)),
        "size": column(INT, "Bytes of all strings of its row in silver; 0 if refused", Check.ge(0)),
        "content": column(_DIGEST, "Digest by which exact duplicates are found", nullable=True),
        "signature": column(pa.binary(), "MinHash of its shingles", nullable=True),
        "distinct": column(
            pa.uint64(), "Hash of the attributes that keep documents apart", nullable=True
        ),
        "length": column(INT, "Characters after the steps", nullable=True),
        "time": column(INT, "Microseconds since 1970, if duplicates are chosen by it", nullable=True),
    },
)  # fmt: skip

DUPLICATES = Dataset(
    name="duplicates",
    description="Texts of near duplicates that were dropped, with which the next build compares new ones.",
    key="document_id",
    columns={
        "document_id": column(STRING, "The document in bronze", SHA256),
        "text": column(STRING, "Its text after the steps"),
    },
)

PAIRS = Dataset(
    name="pairs",
    description="Pairs of documents that were compared, and how similar they are.",
    key="pair_id",
    columns={
        "pair_id": column(STRING, "Digest of both ids", NOT_BLANK),
        "left": column(STRING, "First document with this text", SHA256),
        "right": column(STRING, "First document with the other text", SHA256),
        "similarity": column(FLOAT, "Jaccard similarity of their shingles", Check.in_range(0.0, 1.0)),
    },
)
