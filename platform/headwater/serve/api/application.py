"""The application, made from its parts."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware

from headwater import __version__
from headwater.lake.protocol import Lake
from headwater.serve.api import errors, generation, operations, retrieval
from headwater.serve.api.guard import Guard
from headwater.serve.keys import ApiKeys, TokenBuckets
from headwater.serve.limits import Limits
from headwater.serve.metrics import Metrics
from headwater.serve.production import Production
from headwater.serve.request_log import RequestLog
from headwater.serve.service import Service
from headwater.serve.verdict_gauges import VerdictGauges


def make_app(
    lake: Lake,
    product: str,
    *,
    keys: ApiKeys | None = None,
    limits: Limits | None = None,
    log: RequestLog | None = None,
    poll_seconds: float = 5.0,
    threads: int = 1,
    hosts: Sequence[str] = ("*",),
) -> FastAPI:
    """The service of one product's release. It loads when the application starts, and watches production.

    `log` is given every request and judgement. `threads` compute an answer. `hosts` are the names under which
    it may be called: one bound to loopback answers only to loopback's names, so that no foreign web page can
    reach it by giving its own name this address. `app.state.service` is the `Service`.
    """
    limits = limits or Limits()
    metrics = Metrics(dropped=lambda: log.dropped_total if log is not None else 0)
    production = Production(
        lake,
        product,
        on_swap=lambda released: metrics.serving(released.release, released.commit),
        on_failure=metrics.reload_failures.inc,
        on_look=VerdictGauges(lake, product, metrics.registry).look,
    )
    service = Service(production, metrics, limits, log, threads=threads)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        production.watch(poll_seconds)
        yield
        service.close()

    app = FastAPI(title=f"Headwater: {product}", version=__version__, lifespan=lifespan, docs_url=None,
                  redoc_url=None, openapi_url="/openapi.json")  # fmt: skip
    app.state.service = service
    errors.install(app)
    for part in (generation, retrieval, operations):
        app.include_router(part.router)
    app.add_middleware(
        Guard, service=service, keys=keys or ApiKeys(), buckets=TokenBuckets(limits.rate, limits.burst)
    )
    if "*" not in hosts:
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False)
    return app
