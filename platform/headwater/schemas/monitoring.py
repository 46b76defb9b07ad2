"""The datasets of monitoring: verdicts on windows, and the answers whose support was looked at."""

from __future__ import annotations

import pyarrow as pa

from headwater.schemas.dataset import BOOL, INT, NOT_BLANK, STRING, Check, Dataset, column

_FLOAT = pa.float64()
_FAMILIES = ["data", "text", "coverage", "concept", "label", "performance"]
_STATUSES = ["ok", "warn", "drift", "insufficient", "not_comparable"]

DRIFT = Dataset(
    name="drift",
    description="One row for each window and family of tests: the verdict, and the test it rests on.",
    key="verdict_id",
    columns={
        "verdict_id": column(STRING, "Window and family, joined by a slash", NOT_BLANK),
        "window": column(STRING, "The window", NOT_BLANK),
        "family": column(STRING, "What was asked of the window", Check.isin(_FAMILIES)),
        "status": column(STRING, "The verdict", Check.isin(_STATUSES)),
        "why": column(STRING, "What it rests on, in a sentence", NOT_BLANK),
        "rows": column(INT, "Questions of the window", Check.ge(0)),
        "clusters": column(INT, "Sessions, users or single responses among them", Check.ge(0)),
        "test": column(STRING, "The most certain test; empty where none was made"),
        "p": column(_FLOAT, "Its p, corrected within the family", Check.in_range(0, 1), nullable=True),
        "effect": column(_FLOAT, "Its effect; null where none was made", nullable=True),
        "floor": column(_FLOAT, "The effect from which it may alarm", nullable=True),
        "release": column(STRING, "The release that answered most of the window"),
        "profile": column(STRING, "Digest of the profile it was compared with; empty without one"),
    },
)

ANSWERS = Dataset(
    name="answers",
    description="One row for each answer of the sample whose support by its passages was looked at.",
    key="response_id",
    columns={
        "response_id": column(STRING, "The response", NOT_BLANK),
        "window": column(STRING, "Its window", NOT_BLANK),
        "sentences": column(INT, "Sentences that say something", Check.ge(1)),
        "score": column(_FLOAT, "Support of the least supported sentence", Check.in_range(0, 1.001)),
        "supported": column(BOOL, "Whether every sentence reaches the cut"),
    },
)
