"""The datasets of a product's inference log: requests and feedback, cut into windows."""

from __future__ import annotations

import pyarrow as pa

from headwater.schemas.dataset import BOOL, NOT_BLANK, STRING, Check, Dataset, column

_INT8 = pa.int8()
_INT32 = pa.int32()
_FLOAT32 = pa.float32()
_BINARY = pa.binary()
_TIME = pa.timestamp("us", tz="UTC")
_RETRIEVED = pa.list_(
    pa.struct(
        [
            ("chunk_id", pa.string()),
            ("document_id", pa.string()),
            ("uri", pa.string()),
            ("score", pa.float32()),
            ("similarity", pa.float32()),
        ]
    )
)
WINDOW_ID = r"^w-\d{8}T\d{12}-[0-9a-f]{8}$"
_WINDOW = column(
    STRING,
    "The window: w-<when its first record was logged>-<8 hex digits of its content>",
    Check.matches(WINDOW_ID, "window_id"),
)
_NOT_NEGATIVE = Check.ge(0)
_VOTE = Check.isin([-1, 0, 1])

INFERENCE = Dataset(
    name="inference",
    description="One row for each request that the service took, redacted, with the feedback on it.",
    key="response_id",
    columns={
        "window": _WINDOW,
        "response_id": column(STRING, "The id that the client got with the response", NOT_BLANK),
        "time": column(_TIME, "When the request came in"),
        "product": column(STRING, "The product", NOT_BLANK),
        "release": column(STRING, "The release that answered"),
        "commit": column(STRING, "The release's commit", NOT_BLANK),
        "route": column(
            STRING,
            "The endpoint",
            Check.isin(["chat", "completions", "embeddings", "search"]),
        ),
        "user": column(STRING, "Pseudonym of the user; empty if none was given"),
        "session": column(STRING, "Pseudonym of the session; empty if none was given"),
        "question": column(STRING, "What was asked, redacted; empty for embeddings"),
        "answer": column(STRING, "What was answered, redacted; empty without an answer"),
        "retrieved": column(_RETRIEVED, "Passages that were found, best first, with their scores"),
        "top_similarity": column(
            _FLOAT32, "Cosine of the question and the nearest passage; null if unknown", nullable=True
        ),
        "answerable": column(
            BOOL, "Whether the release covers the question; null without a profile", nullable=True
        ),
        "status": column(_INT32, "HTTP status; 499 if the client left", Check.in_range(100, 999)),
        "latency_ms": column(_FLOAT32, "From the first byte to the last, in milliseconds", _NOT_NEGATIVE),
        "first_token_ms": column(
            _FLOAT32, "Until the first token, in milliseconds; null without one", _NOT_NEGATIVE, nullable=True
        ),
        "prompt_tokens": column(_INT32, "Tokens of the prompt, passages included", _NOT_NEGATIVE),
        "completion_tokens": column(_INT32, "Tokens of the answer", _NOT_NEGATIVE),
        "embedder": column(STRING, "Digest of the embedder that made `embedding`"),
        "embedding": column(_BINARY, "The question's vector as little-endian float16; empty without one"),
        "vote": column(
            _INT8, "Newest vote of the user who asked, else the newest: -1, 0, 1; null without", _VOTE,
            nullable=True,
        ),
        "feedback": column(_INT32, "Number of judgements of the response", _NOT_NEGATIVE),
        "language": column(STRING, "ISO 639 code of the question's language; und if not found", NOT_BLANK),
    },
)  # fmt: skip

FEEDBACK = Dataset(
    name="feedback",
    description="One row for each judgement of a response, as it came in, redacted.",
    key="feedback_id",
    columns={
        "window": _WINDOW,
        "feedback_id": column(STRING, "The id that the client got for its judgement", NOT_BLANK),
        "response_id": column(STRING, "The response that is judged", NOT_BLANK),
        "time": column(_TIME, "When the judgement came in"),
        "user": column(STRING, "Pseudonym of the user; empty if none was given"),
        "vote": column(_INT8, "-1, 0, 1; null if none was given", _VOTE, nullable=True),
        "score": column(_FLOAT32, "From 0 to 1; null if none was given", Check.in_range(0, 1), nullable=True),
        "correction": column(STRING, "The right answer, redacted; empty if none was given"),
        "served": column(BOOL, "Whether the log knows the response"),
    },
)
