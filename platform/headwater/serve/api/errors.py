"""Errors in the shape that OpenAI's clients turn into their exceptions."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from headwater.serve.worker import Busy

log = logging.getLogger("headwater")


class ApiError(HTTPException):
    """What a client is told. `code` is for programs, `param` names the field of the request, if it is one."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, message, dict(headers or {}))
        self.code = code
        self.message = message
        self.param = param


def busy(error: Busy) -> ApiError:
    """The queue is full."""
    return ApiError(429, "queue_full", str(error), headers={"retry-after": str(error.retry_after)})


def body_of(status: int, code: str, message: str, param: str | None = None) -> dict[str, Any]:
    """The error object."""
    kind = "server_error" if status >= 500 else "invalid_request_error"
    kind = {401: "authentication_error", 429: "rate_limit_error"}.get(status, kind)
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def response_of(error: ApiError) -> JSONResponse:
    """The response that carries an error."""
    body = body_of(error.status_code, error.code, error.message, error.param)
    return JSONResponse(body, error.status_code, headers=error.headers)


def install(app: FastAPI) -> None:
    """Give every error this shape."""
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(Busy, _busy)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _defect)


async def _api_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ApiError)
    return response_of(error)


async def _busy(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Busy)
    request.app.state.service.metrics.rejected.labels("queue").inc()
    return response_of(busy(error))


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if part != "body")
    message = f"{where}: {first['msg']}" if where else str(first["msg"])
    return JSONResponse(body_of(422, "invalid_request", message, where or None), 422)


async def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "invalid_request")
    return JSONResponse(
        body_of(error.status_code, code, str(error.detail)), error.status_code, headers=error.headers
    )


async def _defect(request: Request, error: Exception) -> JSONResponse:
    # The message may hold what a person wrote: it stays in the server's own log.
    log.error("request %s failed", request.scope.get("request_id"), exc_info=error)
    return JSONResponse(body_of(500, "internal_error", "the server failed; see its log"), 500)
