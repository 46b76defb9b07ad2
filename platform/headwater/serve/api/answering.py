"""An answer on its way out: whole, or piece by piece as server-sent events, for both endpoints."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine, Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from fastapi import Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from headwater.serve.api.bodies import Generation
from headwater.serve.api.errors import ApiError, body_of
from headwater.serve.decoding import Piece, Sampling
from headwater.serve.exchange import CLIENT_LEFT, Exchange
from headwater.serve.limits import Limits
from headwater.serve.worker import Stream

T = TypeVar("T")
Json = dict[str, Any]


@dataclass(frozen=True)
class Shape:
    """How one endpoint words an answer."""

    whole: str
    chunk: str
    chat: bool

    def choice(self, text: str, finish: str | None) -> Json:
        """The only choice of a whole answer."""
        said: Json = {"message": {"role": "assistant", "content": text}} if self.chat else {"text": text}
        return {"index": 0, **said, "logprobs": None, "finish_reason": finish}

    def delta(self, text: str, finish: str | None, *, first: bool = False) -> Json:
        """The only choice of a chunk."""
        if not self.chat:
            said: Json = {"text": text}
        elif finish is not None:
            said = {"delta": {}}
        else:
            said = {"delta": {"role": "assistant", "content": text} if first else {"content": text}}
        return {"index": 0, **said, "logprobs": None, "finish_reason": finish}


CHAT = Shape("chat.completion", "chat.completion.chunk", chat=True)
COMPLETION = Shape("text_completion", "text_completion", chat=False)


def sampling_of(body: Generation, asked_tokens: int, limits: Limits) -> Sampling:
    """The request's sampling. Raises `ApiError` when it asks for too many tokens."""
    if asked_tokens > limits.answer_tokens:
        raise ApiError(
            422, "invalid_request", f"max_tokens may be {limits.answer_tokens} at most", param="max_tokens"
        )
    return Sampling(asked_tokens, body.temperature, body.top_p, body.seed or 0, tuple(body.stop))


def require_fitting(prompt_tokens: int, limits: Limits) -> None:
    """Raises `ApiError` for a prompt that is too long."""
    if prompt_tokens > limits.prompt_tokens:
        raise ApiError(
            422,
            "context_length_exceeded",
            f"the prompt has {prompt_tokens:,} tokens; {limits.prompt_tokens:,} is the most",
        )


async def respond(
    request: Request, exchange: Exchange, shape: Shape, body: Generation, stream: Stream[Piece]
) -> Response:
    """The answer that `stream` makes, in the form that the client asked for."""
    if body.stream:
        return _Streamed(
            exchange, stream, _events(exchange, shape, body.stream_options.include_usage, stream)
        )
    try:
        finish = await unless_gone(request, _collect(exchange, stream))
    finally:
        stream.cancel()
    exchange.finish(200)
    return JSONResponse(
        {
            **_head(exchange, shape.whole),
            "choices": [shape.choice(exchange.answer, finish)],
            "usage": usage(exchange),
            "headwater": provenance(exchange),
        }
    )


def provenance(exchange: Exchange) -> Json:
    """The extra field: the release, what the answer was given, and whether it covers the question."""
    return {
        "release": exchange.released.release,
        "commit": exchange.released.commit,
        "answerable": exchange.answerable,
        "top_similarity": exchange.top_similarity,
        "threshold": exchange.released.threshold,
        "citations": [asdict(citation) for citation in exchange.citations],
    }


def usage(exchange: Exchange) -> Json:
    """Tokens of prompt and answer."""
    read, made = exchange.prompt_tokens, exchange.completion_tokens
    return {"prompt_tokens": read, "completion_tokens": made, "total_tokens": read + made}


async def unless_gone(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, which is cancelled when the client leaves: then `ApiError` with 499 is raised."""
    doing = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait({doing, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if doing.done():
            return doing.result()
        raise ApiError(CLIENT_LEFT, "client_left", "the client closed the connection")
    finally:
        doing.cancel()
        leaving.cancel()


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


class _Streamed(StreamingResponse):
    """Events on their way out, which may end before the first of them: then nobody else cleans up."""

    def __init__(self, exchange: Exchange, stream: Stream[Piece], events: AsyncIterator[str]) -> None:
        super().__init__(
            events,
            media_type="text/event-stream",
            headers={"cache-control": "no-cache", "x-accel-buffering": "no"},
        )
        self._exchange, self._stream = exchange, stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._stream.cancel()
            self._exchange.finish(CLIENT_LEFT)


async def _collect(exchange: Exchange, stream: Stream[Piece]) -> str | None:
    finish: str | None = None
    async for piece in stream:
        exchange.wrote(piece)
        finish = piece.finish
    return finish


async def _events(
    exchange: Exchange, shape: Shape, include_usage: bool, stream: Stream[Piece]
) -> AsyncIterator[str]:
    head = _head(exchange, shape.chunk)
    status = CLIENT_LEFT
    try:
        first = shape.delta("", None, first=True)
        yield _event({**head, "choices": [first], "headwater": provenance(exchange)})
        finish: str | None = None
        async for piece in stream:
            exchange.wrote(piece)
            finish = piece.finish
            if piece.text:
                yield _event({**head, "choices": [shape.delta(piece.text, None)]})
        yield _event({**head, "choices": [shape.delta("", finish)]})
        if include_usage:
            yield _event({**head, "choices": [], "usage": usage(exchange)})
        yield "data: [DONE]\n\n"
        status = 200
    except Exception as error:
        # The status line is out: the client can learn of it only from the stream's next event.
        status = 500
        error.add_note(f"while answering {exchange.response_id}")
        yield _event(body_of(500, "internal_error", "the server failed; see its log"))
        raise
    finally:
        stream.cancel()
        exchange.finish(status)


def _head(exchange: Exchange, kind: str) -> Json:
    return {
        "id": exchange.response_id,
        "object": kind,
        "created": exchange.created,
        "model": exchange.released.release,
        "system_fingerprint": exchange.fingerprint,
    }


def _event(value: Mapping[str, Any]) -> str:
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n"
