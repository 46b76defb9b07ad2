"""`/v1/embeddings`, `/v1/search` and `/v1/models`."""

from __future__ import annotations

import base64
from dataclasses import asdict
from typing import Any

import numpy as np
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from headwater.serve.api.bodies import EmbeddingRequest, SearchRequest
from headwater.serve.api.context import (
    embedder_name,
    model_names,
    release_of,
    released_model,
    service_of,
    serving_of,
    session_of,
    user_of,
)
from headwater.serve.api.errors import ApiError
from headwater.serve.exchange import Exchange
from headwater.serve.released import Released

router = APIRouter(prefix="/v1")


@router.post("/embeddings")
async def embed(request: Request, body: EmbeddingRequest) -> JSONResponse:
    """Vectors of the release's embedder: floats, or base64 of little-endian float32."""
    service = service_of(request)
    released, visitor = released_model(request, body.model, body.user, embedder=True)
    dimensions = released.index.embedder.dimensions
    with Exchange(
        service,
        released,
        "embeddings",
        "",
        user=user_of(request, body.user),
        session=session_of(request),
        visitor=visitor,
    ) as exchange:
        if body.dimensions not in (None, dimensions):
            raise ApiError(422, "invalid_request", f"dimensions can only be {dimensions}", param="dimensions")
        if len(body.texts) > service.limits.inputs:
            raise ApiError(422, "invalid_request", f"{service.limits.inputs} texts at most", param="input")
        vectors, exchange.prompt_tokens = await service.embed(released, body.texts)
        exchange.finish(200)
    data: list[dict[str, Any]] = [
        {
            "object": "embedding",
            "index": position,
            "embedding": vector.tolist()
            if body.encoding_format == "float"
            else base64.b64encode(np.asarray(vector, dtype="<f4").tobytes()).decode(),
        }
        for position, vector in enumerate(vectors)
    ]
    return JSONResponse(
        {
            "object": "list",
            "model": embedder_name(released),
            "data": data,
            "usage": {"prompt_tokens": exchange.prompt_tokens, "total_tokens": exchange.prompt_tokens},
        }
    )


@router.post("/search")
async def search(request: Request, body: SearchRequest) -> JSONResponse:
    """Passages, best first, without an answer."""
    service = service_of(request)
    released, visitor = release_of(request, body.user)
    with Exchange(
        service,
        released,
        "search",
        body.query,
        user=user_of(request, body.user),
        session=session_of(request),
        visitor=visitor,
    ) as exchange:
        exchange.found(await service.find(lambda: released.find(body.query, body.k, body.method)))
        exchange.finish(200)
    return JSONResponse(
        {
            "id": exchange.response_id,
            "object": "list",
            "release": released.release,
            "commit": released.commit,
            "method": body.method,
            "answerable": exchange.answerable,
            "top_similarity": exchange.top_similarity,
            "data": [asdict(citation) for citation in exchange.citations],
        }
    )


@router.get("/models")
async def models(request: Request) -> JSONResponse:
    """The names that requests may give."""
    found: dict[str, dict[str, Any]] = {}
    for released in serving_of(request).loaded():
        for item in _models(released):
            found.setdefault(item["id"], item)
    return JSONResponse({"object": "list", "data": list(found.values())})


@router.get("/models/{name}")
async def model(request: Request, name: str) -> JSONResponse:
    """One of them."""
    released, _ = released_model(request, name, embedder=True)
    return JSONResponse(next(item for item in _models(released) if item["id"] == name))


def _models(released: Released) -> list[dict[str, Any]]:
    names = [*model_names(released), embedder_name(released)]
    return [
        {
            "id": name,
            "object": "model",
            "created": released.created,
            "owned_by": "headwater",
            "headwater": {"release": released.release, "commit": released.commit},
        }
        for name in names
    ]
