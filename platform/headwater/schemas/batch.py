"""The answers of batch inference."""

from __future__ import annotations

import pyarrow as pa

from headwater.schemas.dataset import BOOL, FLOAT, INT, NOT_BLANK, SHA256, STRING, Check, Dataset, column

_CITATIONS = pa.list_(
    pa.struct(
        [
            ("chunk_id", pa.string()),
            ("document_id", pa.string()),
            ("uri", pa.string()),
            ("title", pa.string()),
            ("start", pa.int64()),
            ("end", pa.int64()),
            ("raw_digest", pa.string()),
            ("score", pa.float64()),
            ("similarity", pa.float64()),
        ]
    )
)

BATCH_ANSWERS = Dataset(
    name="batch_answers",
    description="One row for each different question of the input, in its order, answered by one release.",
    key="answer_id",
    columns={
        "answer_id": column(STRING, "SHA-256 of the question with its id and options", SHA256),
        "id": column(STRING, "The id that the line gave; null without one", nullable=True),
        "question": column(STRING, "What was asked", NOT_BLANK),
        "asked": column(INT, "Lines of the input that ask exactly this", Check.ge(1)),
        "answer": column(STRING, "What was answered"),
        "citations": column(_CITATIONS, "Passages that the answer was given, best first"),
        "answerable": column(
            BOOL, "Whether the release covers the question; null if it does not say", nullable=True
        ),
        "similarity": column(
            FLOAT, "Cosine of the question and the nearest passage", Check.in_range(-1.001, 1.001)
        ),
        "finish_reason": column(STRING, "stop or length", Check.isin(["stop", "length"])),
        "completion_tokens": column(INT, "Tokens of the answer", Check.ge(0)),
        "release": column(STRING, "The release that answered", NOT_BLANK),
        "commit": column(STRING, "Its commit, at which every citation can be read", NOT_BLANK),
        "made_with": column(STRING, "Digest of the release's parts and of the code that answers", SHA256),
    },
)
