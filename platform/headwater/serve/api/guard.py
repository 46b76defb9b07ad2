"""What every request passes first: an id, the key, the rate, the size; and its outcome is counted."""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headwater.serve.api.errors import ApiError, response_of
from headwater.serve.keys import ApiKeys, TokenBuckets
from headwater.serve.service import Service

OPEN = frozenset({"/", "/health/live", "/health/ready"})
"""Paths that need no key: they say nothing about the product's content or its users."""
WHILE_DRAINING = frozenset({"/health/live", "/health/ready", "/metrics"})

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True)
class Guard:
    """An ASGI application around another. Leaves `request_id` and `holder` (of the key) in the scope."""

    app: ASGIApp
    service: Service
    keys: ApiKeys
    buckets: TokenBuckets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        metrics, began = self.service.metrics, time.monotonic()
        version = self.service.version
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        scope["request_id"] = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        status = 500

        async def tell(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                message["headers"] = [
                    *message.get("headers", []),
                    (b"x-request-id", str(scope["request_id"]).encode()),
                ]
            await send(message)

        metrics.inflight.inc()
        try:
            try:
                scope["holder"] = self._admit(scope["path"], headers)
                body = await self._body(headers, receive)
            except ApiError as error:
                metrics.rejected.labels(error.code).inc()
                await response_of(error)(scope, receive, tell)
                return
            await self.app(scope, _replay(body, receive), tell)
        finally:
            metrics.inflight.dec()
            route = getattr(scope.get("route"), "path", "other")
            metrics.requests.labels(route, str(status), scope.get("release", version)).inc()
            metrics.seconds.labels(route).observe(time.monotonic() - began)

    def _admit(self, path: str, headers: Headers) -> str:
        if self.service.draining and path not in WHILE_DRAINING:
            raise ApiError(503, "draining", "the service is shutting down", headers={"retry-after": "5"})
        if path in OPEN:
            return ""
        holder: str | None = ""
        if self.keys:
            holder = self.keys.holder(headers.get("authorization", ""))
        if holder is None:
            raise ApiError(401, "invalid_api_key", "the API key is missing or wrong")
        wait = self.buckets.take(holder, time.monotonic())
        if wait > 0:
            raise ApiError(
                429,
                "rate_limit_exceeded",
                f"more than {self.buckets.rate:g} requests a second",
                headers={"retry-after": str(int(wait) + 1)},
            )
        return holder

    async def _body(self, headers: Headers, receive: Receive) -> bytes:
        limits = self.service.limits
        declared = headers.get("content-length", "0")
        if declared.isdecimal() and int(declared) > limits.body_bytes:
            raise _too_large(limits.body_bytes)
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(limits.body_seconds):
                while True:
                    message = await receive()
                    parts.append(message.get("body", b""))
                    size += len(parts[-1])
                    if size > limits.body_bytes:
                        raise _too_large(limits.body_bytes)
                    if not message.get("more_body", False):
                        return b"".join(parts)
        except TimeoutError:
            raise ApiError(408, "body_timeout", "the body did not arrive in time") from None


def _too_large(limit: int) -> ApiError:
    # The rest of the body is not read, so the connection cannot be used again.
    return ApiError(
        413, "request_too_large", f"a body may have {limit:,} bytes", headers={"connection": "close"}
    )


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
