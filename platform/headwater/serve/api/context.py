"""What an endpoint needs of its request: the service, the release that answers, who asks."""

from __future__ import annotations

from fastapi import Request

from headwater.serve.api.errors import ApiError
from headwater.serve.production import Serving
from headwater.serve.released import Released
from headwater.serve.service import Service

SESSION = "x-session-id"
LONGEST_SESSION = 128


def service_of(request: Request) -> Service:
    """The service that the application was made with."""
    service: Service = request.app.state.service
    return service


def serving_of(request: Request) -> Serving:
    """The releases that answer now. Raises `ApiError` before there is one."""
    serving = service_of(request).production.serving
    if serving is None:
        raise ApiError(503, "not_ready", "no release is loaded yet", headers={"retry-after": "5"})
    return serving


def release_of(request: Request, user: str = "") -> tuple[Released, str]:
    """The release that answers this visitor, for the whole request, and who the visitor is.

    That is the client's session, else its user, else this request. Raises `ApiError`.
    """
    visitor = session_of(request) or user or str(request.scope["request_id"])
    return _taken(request, serving_of(request).for_visitor(visitor)), visitor


def released_model(
    request: Request, model: str, user: str = "", *, embedder: bool = False
) -> tuple[Released, str]:
    """The release that `model` names: as the product, by its own name, or with `embedder` by its embedder.

    With the visitor, who is empty where the release itself was named. Raises `ApiError` for another name.
    """
    loaded = serving_of(request).loaded()
    for released in loaded:
        if model == released.release:
            return _taken(request, released), ""
    released, visitor = release_of(request, user)
    names = [released.product, *([embedder_name(released)] if embedder else [])]
    if model not in names:
        known = ", ".join([*names, *(item.release for item in loaded)])
        raise ApiError(
            404, "model_not_found", f"no model {model!r} is served here, but {known}", param="model"
        )
    return released, visitor


def _taken(request: Request, released: Released) -> Released:
    request.scope["release"] = released.release
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
