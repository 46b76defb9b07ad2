"""One request from its first byte to its last: what is counted about it and what is logged."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Literal, Self

from starlette.exceptions import HTTPException

from headwater.index.encoder import Vectors
from headwater.serve.decoding import Piece
from headwater.serve.released import Citation, Released, Retrieval
from headwater.serve.request_log import half_precision
from headwater.serve.service import Service
from headwater.serve.worker import Busy

Route = Literal["chat", "completions", "embeddings", "search"]
PREFIX: dict[Route, str] = {
    "chat": "chatcmpl",
    "completions": "cmpl",
    "embeddings": "emb",
    "search": "search",
}
CLIENT_LEFT = 499
"""The status of a request whose client went away, as nginx logs it."""


@dataclass
class Exchange:
    """Filled while a request is answered; `finish` counts and logs it, once.

    As a context manager it finishes what ends in an error: refused, failed, or left by its client.
    """

    service: Service
    released: Released
    route: Route
    question: str
    user: str = ""
    session: str = ""
    answer: str = ""
    citations: Sequence[Citation] = ()
    top_similarity: float | None = None
    answerable: bool | None = None
    vector: Vectors | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    first_token: float | None = None
    began: float = field(default_factory=time.monotonic)
    time: datetime = field(default_factory=lambda: datetime.now(UTC))
    response_id: str = ""
    _finished: bool = False

    def __post_init__(self) -> None:
        self.response_id = f"{PREFIX[self.route]}-{uuid.uuid4().hex}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.finish(_status_of(error))

    @property
    def created(self) -> int:
        """Seconds since 1970, as OpenAI's objects have it."""
        return int(self.time.timestamp())

    @property
    def fingerprint(self) -> str:
        """What answered: the release and its commit."""
        return f"{self.released.release}@{self.released.commit[:12]}"

    def found(self, retrieval: Retrieval) -> None:
        """Passages were found."""
        self.citations = retrieval.citations
        self.top_similarity = retrieval.top_similarity
        self.answerable = retrieval.answerable
        self.vector = retrieval.vector
        self.service.metrics.similarity.observe(retrieval.top_similarity)
        if retrieval.answerable is False:
            self.service.metrics.no_answer.inc()

    def wrote(self, piece: Piece) -> None:
        """The model made a piece of the answer."""
        if self.first_token is None and piece.tokens:
            self.first_token = time.monotonic() - self.began
            self.service.metrics.first_token.observe(self.first_token)
        self.answer += piece.text
        self.completion_tokens = piece.tokens

    def finish(self, status: int) -> None:
        """The response is out, or nobody waits for it any more."""
        if self._finished:
            return
        self._finished = True
        self.service.remember(self.response_id, self.released.release)
        self.service.metrics.tokens.labels("prompt").inc(self.prompt_tokens)
        self.service.metrics.tokens.labels("completion").inc(self.completion_tokens)
        if self.service.log is not None:
            self.service.log.request(self._record(status))

    def _record(self, status: int) -> dict[str, object]:
        first = self.first_token
        return {
            "kind": "request",
            "response_id": self.response_id,
            "time": self.time.isoformat(timespec="microseconds"),
            "product": self.released.product,
            "release": self.released.release,
            "commit": self.released.commit,
            "route": self.route,
            "user": self.user,
            "session": self.session,
            "question": self.question,
            "answer": self.answer,
            "retrieved": [
                {
                    "chunk_id": item.chunk_id,
                    "document_id": item.document_id,
                    "uri": item.uri,
                    "score": item.score,
                    "similarity": item.similarity,
                }
                for item in self.citations
            ],
            "top_similarity": self.top_similarity,
            "answerable": self.answerable,
            "status": status,
            "latency_ms": (time.monotonic() - self.began) * 1000,
            "first_token_ms": None if first is None else first * 1000,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "embedder": self.released.index.about["embedder"]["fingerprint"],
            "embedding": half_precision(self.vector),
        }


def _status_of(error: BaseException) -> int:
    """The status of the response to a request that ended like this."""
    if isinstance(error, HTTPException):
        return error.status_code
    if isinstance(error, Busy):
        return 429
    return 500 if isinstance(error, Exception) else CLIENT_LEFT
