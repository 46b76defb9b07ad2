"""What an endpoint needs of its request: the service, the release that answers, who asks."""

from __future__ import annotations

from fastapi import Request

from headwater.serve.api.errors import ApiError
from headwater.serve.released import Released
from headwater.serve.service import Service

SESSION = "x-session-id"
LONGEST_SESSION = 128


def service_of(request: Request) -> Service:
    """The service that the application was made with."""
    service: Service = request.app.state.service
    return service


def release_of(request: Request) -> Released:
    """The release that answers now, for this whole request. Raises `ApiError` before there is one."""
    current = service_of(request).production.current
    if current is None:
        raise ApiError(503, "not_ready", "no release is loaded yet", headers={"retry-after": "5"})
    return current


def released_model(request: Request, model: str, *, embedder: bool = False) -> Released:
    """The current release, if `model` names it: the product, the release, or with `embedder` its embedder."""
    released = release_of(request)
    names = [*model_names(released), *([embedder_name(released)] if embedder else [])]
    if model not in names:
        raise ApiError(
            404,
            "model_not_found",
            f"no model {model!r} is served here, but {', '.join(names)}",
            param="model",
        )
    return released


def model_names(released: Released) -> list[str]:
    """The product, which always means its release, and the release by name."""
    return [released.product, released.release]


def embedder_name(released: Released) -> str:
    """The package of the embedding model."""
    return str(released.index.about["embedder"]["model"]["package"])


def user_of(request: Request, given: str) -> str:
    """Who asks: the client's word for its user, else the holder of the key."""
    holder = str(request.scope.get("holder", ""))
    return given or (f"key:{holder}" if holder else "")


def session_of(request: Request) -> str:
    """The client's word for a session, from the header `x-session-id`."""
    return request.headers.get(SESSION, "")[:LONGEST_SESSION]
