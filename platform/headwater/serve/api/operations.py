"""For those who run the service: health, metrics, reload; and for those who use it: feedback, the page."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST

from headwater.serve.api.bodies import FeedbackRequest
from headwater.serve.api.context import service_of, user_of
from headwater.serve.api.errors import ApiError
from headwater.serve.page import PAGE, POLICY
from headwater.serve.released import NotReleased

router = APIRouter()


@router.get("/")
async def page() -> Response:
    """The page for people."""
    return Response(PAGE, media_type="text/html", headers={"content-security-policy": POLICY})


@router.get("/health/live")
async def live(request: Request) -> JSONResponse:
    """The process answers; 503 when it no longer looks for new releases, so that it is started anew."""
    service = service_of(request)
    if not service.production.watching and not service.draining:
        return JSONResponse({"status": "production is no longer watched: see the log, restart"}, 503)
    return JSONResponse({"status": "live"})


@router.get("/health/ready")
async def ready(request: Request) -> JSONResponse:
    """Whether requests should come here: 503 before the first release is warm and while draining."""
    service = service_of(request)
    current = service.production.current
    if service.draining or current is None:
        return JSONResponse({"status": "draining" if service.draining else "loading"}, 503)
    return JSONResponse({"status": "ready", "release": current.release, "commit": current.commit})


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """For Prometheus."""
    return Response(service_of(request).metrics.text(), media_type=CONTENT_TYPE_LATEST)


@router.post("/admin/reload")
async def reload(request: Request) -> JSONResponse:
    """Look at production now instead of at the next interval; returns when the release is served."""
    production = service_of(request).production
    try:
        moved = await run_in_threadpool(production.refresh)
    except NotReleased as error:
        raise ApiError(503, "not_ready", str(error)) from error
    current = production.current
    return JSONResponse({"moved": moved, "release": current.release if current else ""})


@router.post("/v1/feedback")
async def feedback(request: Request, body: FeedbackRequest) -> JSONResponse:
    """A judgement, joined to its response later: one of a response that never was counts for nothing."""
    service = service_of(request)
    feedback_id = f"feedback-{uuid.uuid4().hex}"
    value = {1: "up", 0: "neutral", -1: "down"}.get(body.vote, "none") if body.vote is not None else "none"
    service.metrics.feedback.labels(value, service.answered.get(body.response_id, "unknown")).inc()
    if body.vote is not None:
        service.voted(body.response_id, body.vote)
    if service.log is not None:
        service.log.feedback(
            {
                "kind": "feedback",
                "feedback_id": feedback_id,
                "response_id": body.response_id,
                "time": datetime.now(UTC).isoformat(timespec="microseconds"),
                "user": user_of(request, body.user),
                "vote": body.vote,
                "score": body.score,
                "correction": body.correction,
            }
        )
    return JSONResponse({"id": feedback_id, "logged": service.log is not None})
