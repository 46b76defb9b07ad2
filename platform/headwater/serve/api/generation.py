"""`/v1/chat/completions` and `/v1/completions`."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from headwater.serve.answerable import NOT_COVERED
from headwater.serve.api.answering import (
    CHAT,
    COMPLETION,
    require_fitting,
    respond,
    sampling_of,
    unless_gone,
)
from headwater.serve.api.bodies import ChatRequest, CompletionRequest
from headwater.serve.api.context import released_model, service_of, session_of, user_of
from headwater.serve.decoding import Piece
from headwater.serve.exchange import Exchange
from headwater.serve.released import MAX_ANSWER_TOKENS

router = APIRouter(prefix="/v1")


@router.post("/chat/completions")
async def chat(request: Request, body: ChatRequest) -> Response:
    """Answer the last message from the release's passages, and cite them."""
    service = service_of(request)
    released = released_model(request, body.model)
    asked = (
        body.max_completion_tokens or body.max_tokens or min(MAX_ANSWER_TOKENS, service.limits.answer_tokens)
    )
    messages = [message.message() for message in body.messages]
    with Exchange(
        service,
        released,
        "chat",
        messages[-1].text,
        user=user_of(request, body.user),
        session=session_of(request),
    ) as exchange:
        sampling = sampling_of(body, asked, service.limits)
        prepared = await unless_gone(request, service.prepare(released, messages))
        require_fitting(len(prepared.ids), service.limits)
        exchange.found(prepared.retrieval)
        if prepared.retrieval.answerable is False:
            stream = service.say(Piece(NOT_COVERED, 0, "stop"))
        else:
            exchange.prompt_tokens = len(prepared.ids)
            stream = service.write(released, prepared.ids, sampling)
        return await respond(request, exchange, CHAT, body, stream)


@router.post("/completions")
async def complete(request: Request, body: CompletionRequest) -> Response:
    """Continue a bare prompt: the model alone, without passages."""
    service = service_of(request)
    released = released_model(request, body.model)
    with Exchange(
        service,
        released,
        "completions",
        body.text,
        user=user_of(request, body.user),
        session=session_of(request),
    ) as exchange:
        sampling = sampling_of(body, body.max_tokens or 16, service.limits)
        ids = await unless_gone(request, service.encode(released, body.text))
        require_fitting(len(ids), service.limits)
        exchange.prompt_tokens = len(ids)
        return await respond(request, exchange, COMPLETION, body, service.write(released, ids, sampling))
