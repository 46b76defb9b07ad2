"""What may stand in the log, checked when it is read: requests, judgements, and notes of the log itself."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

YEARS = range(1971, 9000)
"""Far from the ends of what every time format can hold."""


def _utc(value: datetime) -> datetime:
    if value.year not in YEARS:
        raise ValueError(f"expected a year from {YEARS.start} to {YEARS.stop - 1}")
    return value.astimezone(UTC)


def _float16(value: Any) -> bytes:
    if not isinstance(value, str):
        raise ValueError("expected base64")
    try:
        vector = base64.b64decode(value, validate=True)
    except binascii.Error:
        raise ValueError("expected base64") from None
    if len(vector) % 2:
        raise ValueError("expected an even number of bytes")
    return vector


Time = Annotated[AwareDatetime, AfterValidator(_utc)]
Count = Annotated[int, Field(ge=0, lt=2**31)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Milliseconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1, pattern=r"\S")]
Vote = Literal[-1, 0, 1]


class _Kept(BaseModel):
    """Fields that are not listed are ignored: an older log holds none, a newer one may."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Passage(_Kept):
    """A passage that was found."""

    chunk_id: str
    document_id: str
    uri: str
    score: Number | None = None
    similarity: Number | None = None


class Request(_Kept):
    """A request as the service tells it, redacted, with pseudonyms."""

    kind: Literal["request"]
    response_id: Name
    time: Time
    product: Name
    release: str
    commit: Name
    route: Literal["chat", "completions", "embeddings", "search"]
    user: str = ""
    session: str = ""
    question: str
    answer: str = ""
    retrieved: tuple[Passage, ...] = ()
    top_similarity: Number | None = None
    answerable: bool | None = None
    status: Annotated[int, Field(ge=100, le=999)]
    latency_ms: Milliseconds
    first_token_ms: Milliseconds | None = None
    prompt_tokens: Count = 0
    completion_tokens: Count = 0
    embedder: str = ""
    embedding: Annotated[bytes, BeforeValidator(_float16)] = b""


class Feedback(_Kept):
    """A judgement of a response, redacted, with pseudonyms."""

    kind: Literal["feedback"]
    feedback_id: Name
    response_id: Name
    time: Time
    user: str = ""
    vote: Vote | None = None
    score: Annotated[float, Field(ge=0, le=1)] | None = None
    correction: str = ""


class Entry(_Kept):
    """One line: a record, or a note.

    `number` counts what this writer was given, so that a gap is a loss; `lost` says how many records are
    missing before this line. `logged` ascends strictly within a writer and puts the lines of several in
    order. A line that was erased keeps its number.
    """

    number: Annotated[int, Field(ge=0, lt=2**63)]
    logged: Time
    record: Annotated[Request | Feedback, Field(discriminator="kind")] | None = None
    lost: Count = 0
    erased: bool = False
