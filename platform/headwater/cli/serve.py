"""`headwater serve`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from headwater.cli.builds import Product
from headwater.cli.output import readable_errors, show_progress
from headwater.settings import PRODUCTION, Settings


def serve(
    product: Product,
    host: Annotated[str, typer.Option(help="Address to bind; another than loopback needs API keys")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to bind")] = 8400,
    keys_file: Annotated[
        Path | None, typer.Option(help="File with SHA-256 digests of API keys, one a line")
    ] = None,
    poll: Annotated[float, typer.Option(min=0.1, help="Seconds between looks at production")] = 5.0,
    threads: Annotated[int, typer.Option(min=1, help="Threads that compute an answer")] = 1,
    waiting: Annotated[int, typer.Option(min=1, help="Requests that may wait for the model")] = 32,
    answer_tokens: Annotated[int, typer.Option(min=1, max=4096, help="Most tokens of an answer")] = 512,
    answer_seconds: Annotated[float, typer.Option(min=1, help="An answer ends after this long")] = 120.0,
    rate: Annotated[float, typer.Option(min=0.1, help="Requests a second and key")] = 20.0,
    keep_log: Annotated[
        bool, typer.Option("--log/--no-log", help="Keep requests and feedback, redacted, for monitoring")
    ] = True,
    segment_seconds: Annotated[
        float, typer.Option(min=1, help="The log's file is closed after this long, for windows to be made")
    ] = 600.0,
    segment_mib: Annotated[float, typer.Option(min=0.01, help="The log's file is closed at this size")] = 8.0,
    canary: Annotated[
        float, typer.Option(min=0, max=0.5, help="Share of the visitors that try a new release; 0: none")
    ] = 0.0,
    canary_requests: Annotated[
        int, typer.Option(min=20, max=2000, help="Requests of each release by which a trial is judged")
    ] = 200,
    rollback_on_failure: Annotated[
        bool, typer.Option(help="Move production back when a new release fails its trial")
    ] = False,
    drain: Annotated[float, typer.Option(min=0, help="Longest wait for open requests at SIGTERM")] = 30.0,
) -> None:
    """Answer questions from a product's release over HTTP, with OpenAI's endpoints and a page at /."""
    show_progress(quiet=False)
    with readable_errors():
        from headwater.inference_log.log import InferenceLog
        from headwater.inference_log.privacy import redaction_of
        from headwater.inference_log.writer import SegmentLimits
        from headwater.serve.api import make_app
        from headwater.serve.canary import CanarySettings
        from headwater.serve.keys import ApiKeys
        from headwater.serve.limits import Limits
        from headwater.serve.server import hosts_of, require_free, run

        keys = ApiKeys.from_environment(os.environ, keys_file)
        hosts = hosts_of(host, keys)
        require_free(host, port)
        settings = Settings.from_environment()
        lake = settings.open_lake()
        log = None
        if keep_log:
            log = InferenceLog(
                settings.home,
                product,
                redact=redaction_of(lake, PRODUCTION, product),
                limits=SegmentLimits(
                    segment_bytes=round(segment_mib * (1 << 20)), segment_seconds=segment_seconds
                ),
            )
        app = make_app(
            lake,
            product,
            keys=keys,
            hosts=hosts,
            log=log,
            canary=CanarySettings(share=canary, requests=canary_requests, rollback=rollback_on_failure),
            home=settings.home,
            limits=Limits(
                waiting=waiting,
                answer_tokens=answer_tokens,
                answer_seconds=answer_seconds,
                rate=rate,
                drain_seconds=drain,
            ),
            poll_seconds=poll,
            threads=threads,
        )
        try:
            run(app, host, port)
        finally:
            if log is not None:
                log.close()
